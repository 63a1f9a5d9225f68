# SPDX-License-Identifier: Apache-2.0
# cmake -DFROM=console -DTO=work -DNPM=npm -P packages.cmake: uses the packages that ./setup installed for exactly
# this lock file, and installs them otherwise.
set(installed ${FROM}/node_modules)
file(MAKE_DIRECTORY ${TO})
if(IS_SYMLINK ${TO}/node_modules)
  file(REMOVE ${TO}/node_modules)
endif()
if(EXISTS ${installed}/.tessera-lock)
  file(SHA256 ${installed}/.tessera-lock there)
  file(SHA256 ${FROM}/package-lock.json wanted)
  if(there STREQUAL wanted)
    file(REMOVE_RECURSE ${TO}/node_modules)
    file(CREATE_LINK ${installed} ${TO}/node_modules SYMBOLIC)
    return()
  endif()
endif()
file(COPY ${FROM}/package.json ${FROM}/package-lock.json ${FROM}/.npmrc DESTINATION ${TO})
execute_process(COMMAND ${NPM} ci --prefer-offline --no-audit --no-fund --loglevel=error
  WORKING_DIRECTORY ${TO} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "npm could not install the console's packages: run ./setup, which says why")
endif()
