// What an answer costs by itself, without a connection: takes a real answer apart, puts it together again as
// the front does for every request, and prints the nanoseconds of each step.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "bench/clock.h"
#include "responder/base/clock.h"
#include "responder/der/reader.h"
#include "responder/front/caching.h"
#include "responder/http/limits.h"
#include "responder/http/response_head.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage = "bench_encode --answer FILE [--rounds N]\n  FILE: a P-256 answer in DER\n";
constexpr std::size_t answers_a_round = 20'000;

// What the stored form has of an answer; borrows from its bytes.
struct Taken {
    ocsp::AnswerProfile profile;
    ocsp::SingleAnswer single;
    Bytes signature;  // r || s
};

Bytes copy_of(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

Bytes raw_signature(ByteView der) {
    constexpr std::size_t scalar = 32;
    der::Reader whole{der};
    auto pair = whole.read_into(der::Tag::sequence);
    Bytes raw(2 * scalar);
    for (const std::size_t end : {scalar, 2 * scalar}) {
        auto number = pair ? pair->read(der::Tag::integer) : std::nullopt;
        if (!number)
            throw std::runtime_error("the answer's signature is not ECDSA");
        if (number->size() > scalar)
            number = number->last(scalar);
        std::ranges::copy(*number, raw.begin() + static_cast<std::ptrdiff_t>(end - number->size()));
    }
    return raw;
}

Taken take_apart(ByteView der) {
    const auto parsed = ocsp::parse_response(der);
    if (!parsed)
        throw std::runtime_error(parsed.error().message);
    if (parsed->singles.size() != 1 || parsed->certificates.size() > 1)
        throw std::runtime_error("not an answer about one certificate");
    const ocsp::ParsedSingle& one = parsed->singles.front();
    Taken taken;
    taken.profile.cert_id_hash = one.cert_id.hash.value_or(ocsp::HashAlgorithm::sha256);
    taken.profile.issuer_name_hash = copy_of(one.cert_id.issuer_name_hash);
    taken.profile.issuer_key_hash = copy_of(one.cert_id.issuer_key_hash);
    std::ranges::copy(parsed->responder_key_hash, taken.profile.responder_key_hash.begin());
    taken.profile.signature_form = ocsp::SignatureForm::ecdsa_p256;
    taken.profile.signature_algorithm = copy_of(parsed->signature_algorithm);
    if (!parsed->certificates.empty())
        taken.profile.signer_certificate = copy_of(parsed->certificates.front());
    taken.profile.single_extensions = copy_of(one.extensions);
    taken.single.serial = one.cert_id.serial;
    if (taken.single.serial.front() == 0)
        taken.single.serial = taken.single.serial.subspan(1);
    taken.single.status = one.status;
    taken.single.produced_at = parsed->produced_at;
    taken.single.this_update = one.this_update;
    taken.single.next_update = one.next_update;
    taken.signature = raw_signature(parsed->signature);
    return taken;
}

// The median over the rounds of the CPU time of one call, in nanoseconds.
template <class Work>
double nanoseconds(std::size_t rounds, const Work& work) {
    std::vector<double> each;
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::uint64_t begin = bench::nanoseconds_of(CLOCK_THREAD_CPUTIME_ID);
        for (std::size_t i = 0; i < answers_a_round; ++i)
            work();
        each.push_back(static_cast<double>(bench::nanoseconds_of(CLOCK_THREAD_CPUTIME_ID) - begin) /
                       static_cast<double>(answers_a_round));
    }
    std::ranges::nth_element(each, each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2));
    return each[each.size() / 2];
}

void measure(ByteView der, std::size_t rounds) {
    const Taken taken = take_apart(der);
    std::vector<std::uint8_t> out(limits::answer_octets);
    if (!equal(ocsp::encode_response(taken.profile, taken.single, taken.signature, out), der))
        throw std::runtime_error("the answer does not come out as it went in");
    const SystemClock clock;
    http::Moment moment;
    moment.set(clock.now());
    std::vector<std::uint8_t> wire(limits::http_answer_head_octets);
    std::size_t kept = 0;  // so that nothing is optimised away
    const double encode = nanoseconds(rounds, [&] {
        kept += ocsp::encode_response(taken.profile, taken.single, taken.signature, out).size();
    });
    http::EntityTag etag{};
    const double tag = nanoseconds(rounds, [&] {
        etag = front::tag_of(taken.signature);
        kept += etag[0];
    });
    const http::Caching caching{etag, taken.single.this_update, taken.single.next_update, seconds{600}};
    http::WireHead head;
    head.content_type = "application/ocsp-response";
    head.content_length = der.size();
    head.caching = &caching;
    const double head_time = nanoseconds(rounds, [&] {
        http::Output output{wire.data(), 0, wire.size()};
        http::write_head(output, head, moment);
        kept += output.size;
    });
    std::printf(
        "{\"encode.answer_ns\": %.1f, \"encode.etag_ns\": %.1f, \"encode.head_ns\": %.1f, \"encode.octets\": "
        "%zu}\n",
        encode, tag, head_time, kept == 0 ? 0 : der.size());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Arguments arguments(argc, argv, "answer rounds", usage);
        std::ifstream in(arguments.text("answer"), std::ios::binary);
        const std::string der{std::istreambuf_iterator<char>(in), {}};
        measure(as_bytes(der), arguments.count("rounds", 51, 1, 10'000));
        return 0;
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_encode: %s\n", wrong.what());
        return 1;
    }
}
