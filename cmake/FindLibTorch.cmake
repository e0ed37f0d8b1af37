# Finds LibTorch (2.11 or newer) and makes LibTorch::LibTorch. Looked for, the first usable one wins:
#   -DLIBTORCH=DIR or the environment's LIBTORCH: an unpacked official LibTorch, or site-packages/torch
#   build/deps/torch, where tools/setup.sh unpacks the pinned wheel
#   the torch that python3 would import
# TorchConfig.cmake is not used: with a CUDA build it demands a CUDA toolkit even for CPU programs.
function(_libtorch_version dir out)
  set(${out} "" PARENT_SCOPE)
  set(header "${dir}/include/torch/headeronly/version.h")
  if(dir AND EXISTS "${dir}/lib/libtorch_cpu.so" AND EXISTS "${header}")
    file(STRINGS "${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" digits "${lines}")
    string(REPLACE ";" "." version "${digits}")
    set(${out} "${version}" PARENT_SCOPE)
  endif()
endfunction()

set(_hint "run `make setup`, or give -DLIBTORCH=DIR where DIR/lib/libtorch_cpu.so is")
set(_places "${LIBTORCH}" "$ENV{LIBTORCH}")
list(REMOVE_ITEM _places "")
if(NOT _places)
  set(_places "${CMAKE_CURRENT_LIST_DIR}/../build/deps/torch")
  find_program(PYTHON3 python3)
  if(PYTHON3)
    execute_process(COMMAND "${PYTHON3}" -c
      "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
      WORKING_DIRECTORY / OUTPUT_VARIABLE _wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    list(APPEND _places "${_wheel}")
  endif()
endif()
unset(LibTorch_HOME)
foreach(_dir IN LISTS _places)
  _libtorch_version("${_dir}" _version)
  if(_version VERSION_GREATER_EQUAL 2.11)
    get_filename_component(LibTorch_HOME "${_dir}" ABSOLUTE)
    set(LibTorch_VERSION "${_version}")
    break()
  elseif(_version)
    string(APPEND _hint "; ${_dir} is ${_version}, 2.11 or newer is needed")
  endif()
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_HOME VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "${_hint}")

# Links and runs a program against it: a wheel can lie there without the libraries that it loads.
# A success is remembered; sets OUT, and OUT_log to what was printed.
function(_libtorch_runs out)
  set(key "${LibTorch_HOME} ${LibTorch_VERSION}")
  if(NOT "${LIBTORCH_RAN${out}}" STREQUAL "${key}")
    try_run(ran compiled SOURCE_FROM_CONTENT libtorch_runs.cpp
      "namespace at { int get_num_threads(); } int main() { return at::get_num_threads() < 1; }"
      NO_CACHE LINK_LIBRARIES ${ARGN} COMPILE_OUTPUT_VARIABLE link_log RUN_OUTPUT_VARIABLE run_log)
    if(NOT compiled OR NOT "${ran}" STREQUAL "0")
      set(${out} FALSE PARENT_SCOPE)
      set(${out}_log "${link_log}${run_log}" PARENT_SCOPE)
      return()
    endif()
    set(LIBTORCH_RAN${out} "${key}" CACHE INTERNAL "")
  endif()
  set(${out} TRUE PARENT_SCOPE)
endfunction()

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  # at::parallel_for is an OpenMP region in our own code. It is compiled with -fopenmp, but the only
  # runtime that is linked is the one LibTorch carries: two of them in one process would fight.
  file(GLOB _openmp "${LibTorch_HOME}/lib/libgomp*.so*")
  if(NOT _openmp)
    set(_openmp gomp)
  endif()
  set(_libs "${LibTorch_HOME}/lib/libtorch_cpu.so" "${LibTorch_HOME}/lib/libc10.so" ${_openmp})
  _libtorch_runs(_on_cpu ${_libs})
  if(NOT _on_cpu)
    message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} at ${LibTorch_HOME} does not link or load; "
      "README.md, \"Another LibTorch\", says which ones do.\n${_on_cpu_log}")
  endif()
  set(_device "CPU")
  if(EXISTS "${LibTorch_HOME}/lib/libtorch_cuda.so")
    # Nothing of ours names a CUDA symbol, so the linker would drop it; it registers its kernels.
    set(_cuda -Wl,--no-as-needed "${LibTorch_HOME}/lib/libtorch_cuda.so"
      "${LibTorch_HOME}/lib/libc10_cuda.so" -Wl,--as-needed)
    _libtorch_runs(_on_cuda ${_libs} ${_cuda})
    if(_on_cuda)
      list(APPEND _libs ${_cuda})
      set(_device "CPU and CUDA")
    else()
      set(_device "CPU only: its CUDA libraries do not load here")
    endif()
  endif()
  message(STATUS "LibTorch ${LibTorch_VERSION}: ${LibTorch_HOME} (${_device})")
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LibTorch_HOME}/include" "${LibTorch_HOME}/include/torch/csrc/api/include")
  target_compile_definitions(LibTorch::LibTorch INTERFACE FMT_HEADER_ONLY)
  target_compile_options(LibTorch::LibTorch INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fopenmp>)
  target_link_libraries(LibTorch::LibTorch INTERFACE ${_libs})
endif()
