# SPDX-License-Identifier: Apache-2.0
# cmake -DFROM=console -DTO=build/.../work -P copy.cmake: the sources, and nothing that is not there any more.
foreach(dir src public test tools)
  file(REMOVE_RECURSE ${TO}/${dir})
  if(EXISTS ${FROM}/${dir})
    file(COPY ${FROM}/${dir} DESTINATION ${TO} PATTERN schema.d.ts EXCLUDE)
  endif()
endforeach()
file(COPY ${FROM}/index.html ${FROM}/tsconfig.json ${FROM}/vite.config.ts DESTINATION ${TO})
