#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_PROGRESS_BAR_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_PROGRESS_BAR_H

#include <memory>
#include <string>

#include "responder/programs/terminal.h"
#include "responder/signer/signer.h"

struct event;
struct event_base;

namespace eightbells::programs {

// One line of at most `columns`; empty while no more than limits::bar_pages are due.
std::string progress_line(const signer::SigningProgress& progress, unsigned columns);

// Shows on the terminal how far the signer has come while many pages are unsigned, from the loop. None of
// these is owned; all outlive this.
class ProgressBar {
  public:
    ProgressBar(event_base* base, const signer::Signer& signer, TerminalLog& terminal);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

  private:
    void look();

    const signer::Signer& signer_;
    TerminalLog& terminal_;
    event* event_ = nullptr;
};

}  // namespace eightbells::programs

#endif
