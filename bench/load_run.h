#ifndef EIGHTBELLS_BENCH_LOAD_RUN_H
#define EIGHTBELLS_BENCH_LOAD_RUN_H

#include <netinet/in.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/answer_check.h"
#include "bench/histogram.h"
#include "bench/requests.h"

namespace eightbells::bench {

// What is asked, and how long. A run ends at `seconds` after the warm-up or at `most` answers, whichever
// comes first.
struct LoadPlan {
    sockaddr_in target{};
    std::size_t connections = 64;
    double warm_up = 1;  // seconds that are not counted
    double seconds = 5;
    std::uint64_t most = UINT64_MAX;
    double rate = 0;         // requests a second, sent by the clock (open loop); 0: as answers come
    bool reconnect = false;  // a connection for each request, for servers that close it
    bool same_body = true;   // see AnswerCheck
    pid_t server = 0;        // whose CPU time is read; 0: nobody's
};

struct LoadReport {
    std::uint64_t answers = 0;  // in the measured time
    double seconds = 0;
    double server_cpu_us = 0;       // an answer
    double own_cpu_us = 0;          // the same of this program, without looking out for answers
    std::size_t answer_octets = 0;  // the last answer's, head and body
    Histogram latency;              // from sending a request, or from when it was due, to its whole answer
    std::uint64_t wrong = 0;
    std::string fault;  // why the run ended early; empty: it did not
};

// Closed loop: each connection has one request under way and sends the next when the answer has come and has
// been judged. The connections are waited for in the order in which they were sent to, which is the order in
// which a fair server answers: so there is nothing to ask the kernel but to send and to receive, and this
// costs less than any server. An answer that overtakes others is counted when its turn comes: later than it
// came, never earlier. It never sleeps, or waking it would be charged to the server: on a loopback the sender
// pays for that, and the slower a server, the more often. One thread; every buffer is made before the first
// request.
//
// With a rate: what is due in a millisecond is sent at its beginning, each request on a connection of its
// own, and waited for. A server that falls behind makes later requests late, and their time counts from when
// they were due.
class LoadRun {
  public:
    LoadRun(const Requests& requests, const LoadPlan& plan);
    ~LoadRun();
    LoadRun(const LoadRun&) = delete;
    LoadRun& operator=(const LoadRun&) = delete;

    LoadReport run();

  private:
    struct Connection {
        int fd = -1;
        std::size_t request = 0;
        std::uint64_t since = 0;
    };
    void connect(Connection& connection);
    void send_next(Connection& connection, std::uint64_t at);
    void receive(Connection& connection);
    void look_out_for(const Connection& connection);
    void answered(Connection& connection, std::uint64_t at);
    void begin_measuring(std::uint64_t at);
    void run_by_the_clock();
    void fail(std::string why);
    void fail_with_errno(const char* call);

    const std::vector<Request>& requests_;
    LoadPlan plan_;
    AnswerCheck check_;
    LoadReport report_;
    std::vector<Connection> connections_;
    std::vector<char> answer_;
    std::size_t next_request_ = 0;
    std::uint64_t measure_from_ = 0;
    std::uint64_t end_at_ = UINT64_MAX;
    std::uint64_t server_cpu_ = 0;  // at the beginning of the measured time
    std::uint64_t own_cpu_ = 0;
    std::uint64_t looked_out_ = 0;  // nanoseconds, in the measured time
    bool measuring_ = false;
    bool over_ = false;
};

}  // namespace eightbells::bench

#endif
