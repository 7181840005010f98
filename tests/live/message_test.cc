#define BOOST_TEST_MODULE live_message
#include "responder/live/message.h"

#include <boost/test/unit_test.hpp>

#include "responder/live/limits.h"
#include "responder/ocsp/limits.h"

using namespace eightbells;
using namespace eightbells::live;

namespace {

// A CertID with a serial of `octets` octets.
Bytes cert_id(std::size_t octets) {
    Bytes out = from_hex(
                    "30090605"
                    "2b0e03021a0500"
                    "0401aa"
                    "0401bb"
                    "02")
                    .value();
    out.push_back(static_cast<std::uint8_t>(octets));
    out.insert(out.end(), octets, 0x11);
    Bytes whole{0x30, static_cast<std::uint8_t>(out.size())};
    for (const std::uint8_t octet : out)  // not insert(): g++ 12 sees a false overflow at -O2
        whole.push_back(octet);
    return whole;
}

Call call() {
    Call made;
    made.id = 0x0102030405060708;
    made.issuer = "0123456789abcdef0123456789abcdef";
    made.cert_ids = {cert_id(1), cert_id(20)};
    made.nonce = Bytes(16, 0x6e);
    return made;
}

Bytes framed(const Bytes& message) {
    Bytes out{0, 0, static_cast<std::uint8_t>(message.size() >> 8),
              static_cast<std::uint8_t>(message.size() & 0xff)};
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

// "taken", "waits" or the error; checks that the buffer moves only when a message is taken.
template <class Take>
std::string outcome(const Bytes& bytes, Take take) {
    ByteView buffer{bytes};
    const auto taken = take(buffer);
    if (!taken) {
        BOOST_TEST(buffer.size() == bytes.size());
        return taken.error().message;
    }
    BOOST_TEST((buffer.size() == bytes.size()) == !taken->has_value());
    return *taken ? "taken" : "waits";
}
std::string call_outcome(const Bytes& bytes) {
    return outcome(bytes, [](ByteView& buffer) { return take_call(buffer); });
}
std::string reply_outcome(const Bytes& bytes) {
    return outcome(bytes, [](ByteView& buffer) { return take_reply(buffer); });
}

bool names(const std::string& message, const std::string& field) {
    return message.find(field + ":") != std::string::npos;
}

}  // namespace

// Covers: H-12, A-04
BOOST_AUTO_TEST_CASE(h_12_calls_and_replies_arrive_as_they_were_sent_however_they_are_cut) {
    Bytes stream;
    for (const bool nonce : {true, false}) {
        Call made = call();
        if (!nonce)
            made.nonce.reset();
        const Bytes frame = encode(made);
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    std::size_t from = 0;
    std::vector<Call> taken;
    for (std::size_t to = 0; to <= stream.size(); ++to) {  // one octet at a time
        ByteView buffer = ByteView{stream}.subspan(from, to - from);
        const std::size_t before = buffer.size();
        auto next = take_call(buffer);
        BOOST_REQUIRE(next.has_value());
        if (*next)
            taken.push_back(**next);
        from += before - buffer.size();
    }
    BOOST_REQUIRE_EQUAL(taken.size(), 2U);
    for (const Call& one : taken) {
        BOOST_TEST(one.id == call().id);
        BOOST_TEST(one.issuer == call().issuer);
        BOOST_TEST((one.cert_ids == call().cert_ids));
    }
    BOOST_TEST((taken[0].nonce == call().nonce));
    BOOST_TEST(!taken[1].nonce.has_value());

    for (const Verdict verdict :
         {Verdict::signed_answer, Verdict::busy, Verdict::unauthorized, Verdict::failed}) {
        Reply reply{7, verdict, verdict == Verdict::signed_answer ? Bytes(1000, 0x30) : Bytes{}};
        const Bytes frame = encode(reply);
        ByteView buffer{frame};
        const auto back = take_reply(buffer);
        BOOST_REQUIRE(back.has_value() && back->has_value());
        BOOST_TEST(buffer.empty());
        BOOST_TEST((*back)->id == 7U);
        BOOST_TEST(((*back)->verdict == verdict));
        BOOST_TEST(((*back)->response == reply.response));
    }
}

BOOST_AUTO_TEST_CASE(messages_outside_their_bounds_are_never_sent) {
    const auto with = [](auto change) {
        Call made = call();
        change(made);
        return !encode(made).empty();
    };
    BOOST_TEST(with([](Call&) {}));
    BOOST_TEST(!with([](Call& c) { c.issuer.clear(); }));
    BOOST_TEST(with([](Call& c) { c.issuer = std::string(limits::live_issuer_octets, 'a'); }));
    BOOST_TEST(!with([](Call& c) { c.issuer = std::string(limits::live_issuer_octets + 1, 'a'); }));
    BOOST_TEST(!with([](Call& c) { c.cert_ids.clear(); }));
    BOOST_TEST(with([](Call& c) { c.cert_ids.assign(limits::cert_ids_per_request, cert_id(3)); }));
    BOOST_TEST(!with([](Call& c) { c.cert_ids.assign(limits::cert_ids_per_request + 1, cert_id(3)); }));
    BOOST_TEST(!with([](Call& c) { c.cert_ids[0] = {0x30, 0x00}; }));
    BOOST_TEST(!with([](Call& c) { c.nonce = Bytes{}; }));
    BOOST_TEST(with([](Call& c) { c.nonce = Bytes(limits::nonce_octets, 1); }));
    BOOST_TEST(!with([](Call& c) { c.nonce = Bytes(limits::nonce_octets + 1, 1); }));
    BOOST_TEST(encode(Reply{1, Verdict::signed_answer, {}}).empty());
    BOOST_TEST(encode(Reply{1, Verdict::busy, Bytes{1}}).empty());
    BOOST_TEST(!encode(Reply{1, Verdict::signed_answer, Bytes(limits::answer_octets, 1)}).empty());
    BOOST_TEST(encode(Reply{1, Verdict::signed_answer, Bytes(limits::answer_octets + 1, 1)}).empty());
    // The largest messages are those that the bounds are made of, and they arrive.
    Call largest = call();
    largest.issuer = std::string(limits::live_issuer_octets, 'a');
    largest.nonce = Bytes(limits::nonce_octets, 1);
    largest.cert_ids.assign(limits::cert_ids_per_request, cert_id(90));
    BOOST_TEST(call_outcome(encode(largest)) == "taken");
    const Bytes reply = encode(Reply{1, Verdict::signed_answer, Bytes(limits::answer_octets, 1)});
    BOOST_TEST(reply.size() == 4 + limits::live_reply_octets);
    BOOST_TEST(reply_outcome(reply) == "taken");
}

BOOST_AUTO_TEST_CASE(a_broken_peer_is_found_out_at_once) {
    // A length that no message has is refused before its bytes come.
    BOOST_TEST(names(call_outcome(from_hex("ffffffff").value()), "frame"));
    BOOST_TEST(names(reply_outcome(from_hex("00010000").value()), "frame"));
    BOOST_TEST(call_outcome({}) == "waits");
    BOOST_TEST(call_outcome({0, 0, 0}) == "waits");
    const auto hex = [](std::string_view digits) { return from_hex(digits).value(); };
    BOOST_TEST(names(call_outcome(framed({})), "kind"));
    BOOST_TEST(names(call_outcome(framed({9})), "kind"));
    BOOST_TEST(names(call_outcome(encode(Reply{1, Verdict::busy, {}})), "kind"));
    BOOST_TEST(names(reply_outcome(encode(call())), "kind"));

    const Bytes frame = encode(call());
    const Bytes message(frame.begin() + 4, frame.end());
    for (std::size_t size = 0; size < message.size(); ++size)  // a frame that ends inside the message
        BOOST_TEST(names(
            call_outcome(framed(Bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size)))),
            "call"));
    Bytes longer = message;
    longer.push_back(0);
    BOOST_TEST(names(call_outcome(framed(longer)), "call"));
    const std::string head =
        "01"
        "0000000000000001"
        "0161";  // kind, id, issuer "a"
    const std::string one = "0016" + to_hex(cert_id(1));
    BOOST_TEST(call_outcome(framed(hex(head + "01" + one + "00"))) == "taken");
    BOOST_TEST(names(call_outcome(framed(hex(head + "00"
                                                    "00"))),
                     "cert_ids"));
    BOOST_TEST(names(call_outcome(framed(hex(head + "11" + one + "00"))), "cert_ids"));
    BOOST_TEST(names(call_outcome(framed(hex(head + "01"
                                                    "0000"
                                                    "00"))),
                     "cert_ids[0]"));
    BOOST_TEST(names(call_outcome(framed(hex(head + "01"
                                                    "00023000"
                                                    "00"))),
                     "cert_ids[0]"));
    BOOST_TEST(names(call_outcome(framed(hex(head + "01" + one + "02aa"))), "nonce"));
    BOOST_TEST(names(call_outcome(framed(hex(head + "01" + one + "81" + to_hex(Bytes(129, 1))))), "nonce"));
    BOOST_TEST(names(call_outcome(framed(hex("01"
                                             "0000000000000001"
                                             "00"
                                             "01" +
                                             one + "00"))),
                     "issuer"));

    BOOST_TEST(reply_outcome(framed(hex("02"
                                        "0000000000000001"
                                        "01"))) == "taken");
    BOOST_TEST(names(reply_outcome(framed(hex("02"
                                              "0000000000000001"
                                              "04"))),
                     "verdict"));
    BOOST_TEST(names(reply_outcome(framed(hex("02"
                                              "0000000000000001"))),
                     "verdict"));
    BOOST_TEST(names(reply_outcome(framed(hex("02"
                                              "0000000000000001"
                                              "00"))),
                     "response"));
    BOOST_TEST(names(reply_outcome(framed(hex("02"
                                              "0000000000000001"
                                              "01"
                                              "30"))),
                     "response"));
}
