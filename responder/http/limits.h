#ifndef EIGHTBELLS_RESPONDER_HTTP_LIMITS_H
#define EIGHTBELLS_RESPONDER_HTTP_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

using namespace std::chrono_literals;

// --- the public listener

// The longest registered method, UPDATEREDIRECTREF, takes 17 octets; a longer one is nothing we implement
// (501).
inline constexpr std::size_t http_method_octets = 32;
// Browsers send 20 header lines, proxies add a few. Bounds the work a request may cause beside its octets.
inline constexpr std::size_t http_header_lines = 100;
// Sets of header lines a worker recognises without judging them again: 8 of 512 octets stay in the cache
// nearest the core with what else a request touches.
inline constexpr std::size_t http_known_headers = 8;
inline constexpr std::size_t http_known_header_octets = 512;
// Chunked bodies (RFC 9112, section 7.1): a size is at most 64 bits in hexadecimal; extensions and trailers
// are read and dropped. A body of 16 KiB in chunks of one octet is at most 16384 x (16 + 5) = 336 KiB on the
// wire, and never more than 16 KiB in memory.
inline constexpr std::size_t http_chunk_size_digits = 16;
inline constexpr std::size_t http_chunk_extension_octets = 1024;
inline constexpr std::size_t http_trailer_octets = 4096;
// What a handler may answer from memory: an OCSP answer (answer_octets) twice over. CRLs go out as files.
inline constexpr std::size_t http_answer_octets = 32 * 1024;
// Status line and headers: 600 octets with every header we know, the two texts a handler gives included.
inline constexpr std::size_t http_answer_head_octets = 1024;
inline constexpr std::size_t http_answer_text_octets = 128;  // content_type, allow: each
// A worker collects the answers of one turn here and sends them with one call: room for one full answer
// beside what is waiting, and then as much again.
inline constexpr std::size_t http_output_octets = 80 * 1024;
// Before a request is taken there is room for its answer, a 100 and a refusal.
inline constexpr std::size_t http_answer_room = http_answer_octets + 2 * http_answer_head_octets;
static_assert(2 * http_answer_room <= http_output_octets);
// One turn of one connection: 64 requests cost about 200 us; then the others have theirs.
inline constexpr unsigned http_requests_per_turn = 64;
// All files together in one turn of the loop: 40 us, a quarter of what the 40 requests of a busy turn take.
// So who asks for little waits for no more of what others download, however many they are; beside a full load
// of requests, whose turns become shorter then, 790 MB a second go out (measured). While nobody else asks,
// each turn is twice the one before, up to pieces as large as they are cheapest in, 768 KiB. A call counts
// for what it costs by itself, 2 us.
inline constexpr std::size_t http_file_octets_per_turn = 96 * 1024;
inline constexpr std::size_t http_file_turns_alone = 8;
inline constexpr std::size_t http_file_call = 4 * 1024;
inline constexpr unsigned http_accepts_per_turn = 64;
// Connections that are received from before the first of them is answered, so that their look-ups wait for
// memory at the same time, and each step is done for all while its instructions are at hand. The first answer
// is 31 receives and 31 answers later for it, 40 us, no more than it waits for those before it otherwise;
// requests of 300 octets stay in the cache nearest the core (10 of 48 KiB).
inline constexpr std::size_t http_ahead = 32;
// A PROXY protocol header: 16 octets, addresses of at most 216 and what proxies add about TLS, a few hundred;
// one block of a worker's buffers holds it.
inline constexpr std::size_t http_proxy_header_octets = 2048;
inline constexpr int http_backlog = 4096;  // the kernel lowers it to net.core.somaxconn
// After a last answer the rest of what the client sends is read and dropped, so that no reset overtakes the
// answer (RFC 9112, section 9.6): a 10 MB body at 16 Mbit/s, no more.
inline constexpr std::uint64_t http_drain_octets = 16 * 1024 * 1024;
inline constexpr std::chrono::milliseconds http_drain_wait = 5s;
// Once the listener has stopped, for a client that is about to send: a round trip to the other side of the
// world and a retransmission. Longer would hold a restart up for clients that may never ask again.
inline constexpr std::chrono::milliseconds http_last_request = 2s;
// An answer promised to a client (Deferred) that has not come after this is given up: 503. Above every
// deadline of the live path, so that it only ever catches a promise that was lost.
inline constexpr std::chrono::milliseconds http_answer_wait = 30s;
// The loop looks at the clock this often: Date and time-outs are late by no more.
inline constexpr std::chrono::milliseconds http_tick = 250ms;
// A worker's buffers for requests and answers that did not pass in one piece: 256 MiB hold 20,000 unfinished
// requests of 2 KiB (40 MiB) and 3,000 clients that do not take a full turn's answers; above, 503 and close.
inline constexpr std::size_t http_buffer_octets = 256 * 1024 * 1024;
inline constexpr std::size_t http_buffer_kept_octets = 16 * 1024 * 1024;  // unused ones kept for the next

}  // namespace eightbells::limits

#endif
