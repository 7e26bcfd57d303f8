// Libraries that come and go in a program that is linked with libstrata.so. The module's path is in
// the environment as LIFE_MODULE.
#include <dlfcn.h>

#include <cstdint>

#include "check.h"
#include "resident.h"

namespace {

class module {
 public:
  explicit module(int flags) : handle_(dlopen(getenv("LIFE_MODULE"), RTLD_NOW | flags)) {
    if (handle_ == nullptr) {
      dprintf(2, "%s\n", dlerror());
    }
    CHECK(handle_ != nullptr);
    make = reinterpret_cast<void* (*)(size_t)>(dlsym(handle_, "module_make"));
    release = reinterpret_cast<void (*)(void*)>(dlsym(handle_, "module_free"));
    CHECK(make != nullptr && release != nullptr);
  }
  module(const module&) = delete;
  module& operator=(const module&) = delete;
  ~module() { CHECK(dlclose(handle_) == 0); }

  void* (*make)(size_t size);
  void (*release)(void* block);

 private:
  void* handle_;
};

void outlive_the_module() {
  size_t* blocks[1000];
  {
    module opened(RTLD_LOCAL);
    for (size_t i = 0; i < 1000; ++i) {
      blocks[i] = static_cast<size_t*>(opened.make(i * 20));
    }
  }
  for (size_t* block : blocks) {
    free_filled(block);
  }
}

void open_and_close() {
  size_t early = 0;
  for (size_t i = 0; i < 1000; ++i) {
    module opened(i % 2 == 0 ? RTLD_LOCAL : RTLD_GLOBAL);
    free_filled(static_cast<size_t*>(opened.make(i * 10)));
    opened.release(make_filled(i * 10));
    if (i == 100) {
      early = resident_bytes();
    }
  }
  CHECK(resident_bytes() < early + (size_t{8} << 20));
}

// RTLD_DEEPBIND makes the module look for malloc in its own dependencies first, and so in libc.
void deepbind() {
  module opened(RTLD_LOCAL | RTLD_DEEPBIND);
  for (size_t i = 0; i < 1000; ++i) {
    free_filled(static_cast<size_t*>(opened.make(i * 20)));
    opened.release(make_filled(i * 20));
    opened.release(opened.make(i * 20));
  }
  size_t* large = static_cast<size_t*>(opened.make(5 << 20));
  free_filled(large);
}

constexpr mode modes[] = {
    {"outlive", outlive_the_module},
    {"loop", open_and_close},
    {"deepbind", deepbind},
};

}  // namespace

int main(int argc, char** argv) {
  return run_mode(argc, argv, modes, sizeof modes / sizeof *modes);
}
