# Puts the shipped recipes into the program: no search path, nothing to lose on the way.
file(GLOB _recipes CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/recipes/*/*.toml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_recipes})
set(_entries "")
foreach(_recipe IN LISTS _recipes)
  file(READ "${_recipe}" _text)
  get_filename_component(_name "${_recipe}" NAME_WE)
  get_filename_component(_folder "${_recipe}" DIRECTORY)
  get_filename_component(_family "${_folder}" NAME)
  string(APPEND _entries "        {\"${_name}\", \"${_family}\", R\"recipe(${_text})recipe\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/shipped_recipes.cpp CONTENT
"#include \"pushforward/training/recipe.hpp\"

namespace pushforward {

const std::vector<ShippedRecipe>& shipped_recipes() {
    static const std::vector<ShippedRecipe> all = {
${_entries}    };
    return all;
}

}  // namespace pushforward
" @ONLY)
