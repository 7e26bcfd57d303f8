// The `strata` command: finds the verb and hands it the rest of the command line.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "cli/model/file.hpp"
#include "cli/model/replay/helper.hpp"
#include "cli/verbs/verb.hpp"

namespace {

using namespace strata::cli;

constexpr std::array verbs = {
    verb{"run", "run a program with Strata and report what its memory did", run_verb},
    verb{"compare", "run a program under several allocators and compare", compare_verb},
    verb{"layout", "show how a program's structures lie in memory, and what they waste",
         layout_verb},
    verb{"map", "show the address space of a process, and what the allocator has in it", map_verb},
    verb{"record", "run a program and record every block, or a sample, with stacks", record_verb},
    verb{"report", "show what a recording has: who allocated what, when and for how long",
         report_verb},
    verb{"replay", "replay a recording against allocation policies: memory, fragmentation, time",
         replay_verb},
    verb{"advise", "say what a program could do better, with what it would save by replay",
         advise_verb},
    verb{"leaks", "run a program and show the blocks that it has lost, and cycles of owners",
         leaks_verb},
    verb{"serve", "show a recording in a browser", serve_verb},
    verb{"options", "list the library's run-time options", options_verb},
};

std::string help_text() {
  std::string text = "Usage: strata VERB [ARGUMENTS...]\n\nVerbs:\n";
  for (const verb& each : verbs) {
    text += "  " + std::string(each.name) + std::string(12 - std::string(each.name).size(), ' ') +
            each.summary + "\n";
  }
  return text +
         "\nExamples:\n"
         "  strata run -- redis-server --port 7777\n"
         "  strata compare -n 10 -- python3 script.py\n"
         "  strata layout server connection\n"
         "  strata map 4711\n"
         "  strata record -o server.strata -- server --port 7777\n"
         "  strata report server.strata\n"
         "  strata advise server.strata\n"
         "  strata advise server.strata --try 1\n"
         "  strata replay --policy best-fit,buddy,strata server.strata\n"
         "  strata leaks -- ./unit_tests\n"
         "\nstrata VERB --help explains a verb; strata --version tells the version.\n";
}

int print(const std::string& text) { return write_all(STDOUT_FILENO, text) ? 0 : usage_status; }

const verb* find_verb(const std::string& name) {
  for (const verb& each : verbs) {
    if (name == each.name) return &each;
  }
  return nullptr;
}

// strata help [VERB]
int help(const arguments& given) {
  if (given.empty()) return print(help_text());
  const verb* which = find_verb(given[0]);
  if (which == nullptr) return complain("unknown verb " + given[0] + "; see strata help");
  return which->run({"--help"});
}

// Takes the places of standard streams that are closed, so that no file or pipe of ours gets their
// numbers. Programs that are started still find them closed.
void occupy_standard_streams() {
  int file;
  do {
    file = open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (file >= 0 && file <= STDERR_FILENO);
  if (file >= 0) close(file);
}

}  // namespace

int main(int count, char** values) {
  // Before anything is allocated: a helper's heap is the replay's alone.
  if (count == 2 && values[1] == std::string_view(replay::helper_word))
    return replay::serve_as_helper();
  occupy_standard_streams();
  if (count < 2) return complain("no verb given; see strata help");
  const std::string name = values[1];
  const arguments rest(values + 2, values + count);
  if (name == "--version") return print("strata " STRATA_VERSION "\n");
  if (name == "help" || name == "--help" || name == "-h") return help(rest);
  if (const verb* which = find_verb(name)) return which->run(rest);
  return complain("unknown verb " + name + "; see strata help");
}
