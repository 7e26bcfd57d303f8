// Frames of a video in direct memory: the decoder's thread may write to them while the collector moves the
// objects that own them, and the limit holds though nobody frees a frame.
#include <cstdio>
#include <cstring>
#include <strata/gc.hpp>
#include <thread>

namespace gc = strata::gc;

struct frame {
  gc::ref<gc::direct_buffer> pixels;
  gc::ref<frame> previous;
};

int main() {
  constexpr std::size_t frame_bytes = 1280 * 720 * 4;
  gc::heap heap{{.direct_max_bytes = std::size_t{64} << 20}};
  gc::mutator self{heap};

  gc::local<frame> last{self};
  for (int at = 0; at < 300; ++at) {
    gc::local<gc::direct_buffer> pixels = gc::make_direct(self, frame_bytes);
    std::thread decoder(
        [at, to = gc::direct_lease{pixels}] { std::memset(to.data(), at, to.size()); });
    {
      gc::blocking meanwhile{self};  // collections don't wait for us
      decoder.join();
    }
    last = self.make<frame>(pixels, last);
    if (last->previous) last->previous->previous = nullptr;  // two frames are needed, not more
  }
  gc::direct_statistics used = gc::direct_of(heap);
  std::printf("300 frames of %zu KiB; at most %zu MiB at once, %llu collections\n",
              frame_bytes / 1024, used.peak_bytes >> 20,
              static_cast<unsigned long long>(heap.statistics().full_collections));
  return last->pixels->data()[5] == std::byte{299 % 256} && used.peak_bytes <= 64U << 20 ? 0 : 1;
}
