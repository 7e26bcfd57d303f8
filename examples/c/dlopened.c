/* A program that keeps libc's malloc and opens Strata at run time:
 *
 *     dlopened [PATH/TO/libstrata.so]
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** values) {
  void* library = dlopen(count > 1 ? values[1] : "libstrata.so", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "dlopened: %s\n", dlerror());
    return 2;
  }
  void* (*allocate)(size_t);
  void (*release)(void*);
  *(void**)&allocate = dlsym(library, "strata_malloc"); /* as POSIX does it */
  *(void**)&release = dlsym(library, "strata_free");
  if (allocate == NULL || release == NULL) return 2;

  char* text = allocate(100);
  if (text == NULL) return 1;
  strcpy(text, "from Strata");
  puts(text);
  release(text);
  return 0;
}
