# Finds LibTorch and makes LibTorch::LibTorch. Looked for, in this order:
#   -DLIBTORCH=DIR or the environment's LIBTORCH (an unpacked official LibTorch, or site-packages/torch),
#   build/deps/torch (where `make` unpacks the pinned wheel), the Python on PATH.
# TorchConfig.cmake is not used: with a CUDA build it demands a CUDA toolkit even for CPU programs.
set(_candidates "${LIBTORCH}" "$ENV{LIBTORCH}" "${CMAKE_CURRENT_LIST_DIR}/../build/deps/torch")
find_program(_python python3)
if(_python)
  execute_process(COMMAND "${_python}" -c
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND _candidates "${_wheel}")
endif()
foreach(_dir IN LISTS _candidates)
  if(_dir AND EXISTS "${_dir}/lib/libtorch_cpu.so" AND EXISTS "${_dir}/include/ATen/core/Tensor.h")
    get_filename_component(LibTorch_HOME "${_dir}" ABSOLUTE)
    break()
  endif()
endforeach()
if(LibTorch_HOME)
  file(STRINGS "${LibTorch_HOME}/include/torch/headeronly/version.h" _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _digits "${_lines}")
  string(REPLACE ";" "." LibTorch_VERSION "${_digits}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_HOME VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run `make setup`, or give -DLIBTORCH=DIR with DIR/lib/libtorch_cpu.so")
if(LibTorch_FOUND AND LibTorch_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} at ${LibTorch_HOME}: 2.11 or newer is needed")
endif()
if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  message(STATUS "LibTorch ${LibTorch_VERSION}: ${LibTorch_HOME}")
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LibTorch_HOME}/include" "${LibTorch_HOME}/include/torch/csrc/api/include")
  target_compile_definitions(LibTorch::LibTorch INTERFACE FMT_HEADER_ONLY)
  set(_libs "${LibTorch_HOME}/lib/libtorch_cpu.so" "${LibTorch_HOME}/lib/libc10.so")
  if(EXISTS "${LibTorch_HOME}/lib/libtorch_cuda.so")
    # Nothing of ours names a CUDA symbol, so the linker would drop it; it registers its kernels.
    list(APPEND _libs -Wl,--no-as-needed "${LibTorch_HOME}/lib/libtorch_cuda.so"
      "${LibTorch_HOME}/lib/libc10_cuda.so" -Wl,--as-needed)
  endif()
  # at::parallel_for is an OpenMP region in our own code. Only the runtime that LibTorch carries is
  # linked (no -fopenmp at the link): two of them in one process would fight.
  target_compile_options(LibTorch::LibTorch INTERFACE -fopenmp)
  file(GLOB _gomp "${LibTorch_HOME}/lib/libgomp*.so*")
  target_link_libraries(LibTorch::LibTorch INTERFACE ${_libs} ${_gomp})
  target_link_options(LibTorch::LibTorch INTERFACE "-Wl,-rpath,${LibTorch_HOME}/lib")
endif()
