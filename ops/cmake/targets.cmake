# What every target of ours is built with. Options stand on targets, never on directories.

find_program(PIIVAULT_CCACHE ccache)
if(PIIVAULT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PIIVAULT_CCACHE})
endif()
find_program(PIIVAULT_MOLD mold)

# Options of generated code too: sanitizers must cover the whole program.
function(piivault_common_options target)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  if(PIIVAULT_SANITIZE)
    # Assertions on, names and lines in reports, and no more optimisation than pays for itself.
    target_compile_options(${target} PRIVATE -fsanitize=${PIIVAULT_SANITIZE} -O1 -g1 -UNDEBUG
                           -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${PIIVAULT_SANITIZE})
    if(PIIVAULT_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # With this macro protobuf's headers give map fields two more members than the distribution's
      # library knows of, and every message with a map crashes. The standard library is told by its
      # own macro.
      target_compile_options(${target} PRIVATE -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
    endif()
  elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(${target} PRIVATE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
                           -fstack-protector-strong -fcf-protection=full -D_GLIBCXX_ASSERTIONS)
    target_link_options(${target} PUBLIC -Wl,-z,relro,-z,now,-z,noexecstack)
  endif()
  if(PIIVAULT_MOLD)
    target_link_options(${target} PUBLIC -fuse-ld=mold)
  endif()
endfunction()

function(piivault_strict_options target)
  piivault_common_options(${target})
  # Programs bring locks that the sanitizer can follow; the file says why.
  get_target_property(kind ${target} TYPE)
  if(PIIVAULT_SANITIZE MATCHES "thread" AND kind STREQUAL "EXECUTABLE")
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/ops/cmake/tsan/absl_mutex.cc)
    target_link_libraries(${target} PRIVATE absl::synchronization absl::time)
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees both where there are none, once Abseil's containers and std::string are inlined.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety)
  endif()
endfunction()

# For targets that call gRPC's objects: its library keeps their type information to itself, so that
# UBSan takes every one of them for an object of another type.
function(piivault_calls_grpc target)
  if(PIIVAULT_SANITIZE MATCHES "undefined")
    target_compile_options(${target} PRIVATE -fno-sanitize=vptr)
  endif()
endfunction()

# piivault_library(NAME) makes lib piivault_NAME, alias piivault::NAME, of the *.cc in this folder.
# Its dependencies follow by target_link_libraries(piivault_NAME PUBLIC ...).
function(piivault_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(piivault_${name} STATIC ${sources})
  add_library(piivault::${name} ALIAS piivault_${name})
  piivault_strict_options(piivault_${name})
endfunction()

# piivault_test(NAME LIBS...) makes one GoogleTest program of the *.cc in this folder.
function(piivault_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(piivault_${name}_test ${sources})
  piivault_strict_options(piivault_${name}_test)
  # What only tests run, runs seldom: optimising it takes the compiler longer than it saves.
  if(PIIVAULT_SANITIZE)
    target_compile_options(piivault_${name}_test PRIVATE -O0)
  else()
    target_compile_options(piivault_${name}_test PRIVATE -O1)
  endif()
  target_link_libraries(piivault_${name}_test PRIVATE ${ARGN} GTest::gmock GTest::gtest_main)
  target_compile_definitions(piivault_${name}_test PRIVATE
                             PIIVAULT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(piivault_${name}_test DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 900)
endfunction()
include(GoogleTest)
