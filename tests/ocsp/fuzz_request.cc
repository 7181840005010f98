// Oracle of parse_request: what is accepted is a request by the judgement of a second parser, written as a
// recursive walk without the first one's Reader, and the views are exactly that walk's elements.

#include <cstdlib>
#include <optional>
#include <vector>

#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"

namespace {

using eightbells::ByteView;

struct Node {
    std::uint8_t tag = 0;
    ByteView whole;
    ByteView content;
};

// The elements that fill `bytes` exactly, or nothing.
std::optional<std::vector<Node>> split(ByteView bytes) {
    std::vector<Node> nodes;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::size_t begin = at;
        const std::uint8_t tag = bytes[at++];
        if ((tag & 0x1f) == 0x1f || at == bytes.size())
            return std::nullopt;
        std::size_t length = bytes[at++];
        if (length > 0x7f) {
            const std::size_t octets = length - 0x80;
            length = 0;
            for (std::size_t i = 0; i < octets; ++i) {
                if (at == bytes.size() || length > 0xffffff)
                    return std::nullopt;
                length = length * 256 + bytes[at++];
            }
            // the shortest spelling of the length is this one
            const std::size_t least = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
            if (octets == 0 || (least < 3 && octets != least) ||
                (least == 3 && length < 0x1000000 && octets != 3))
                return std::nullopt;
        }
        if (length > bytes.size() - at)
            return std::nullopt;
        nodes.push_back({tag, bytes.subspan(begin, at - begin + length), bytes.subspan(at, length)});
        at += length;
    }
    return nodes;
}

void must(bool claim) {
    if (!claim)
        std::abort();
}

bool same(ByteView a, ByteView b) {
    return a.data() == b.data() && a.size() == b.size();
}

// The nonce among these extensions, if this is the requests's list.
std::optional<ByteView> walk_extensions(ByteView tagged, bool outer) {
    const auto list = split(tagged);
    must(list && list->size() == 1 && (*list)[0].tag == 0x30);
    const auto extensions = split((*list)[0].content);
    must(extensions && !extensions->empty() && extensions->size() <= eightbells::limits::extensions_per_list);
    std::optional<ByteView> nonce;
    std::vector<ByteView> oids;
    for (const Node& extension : *extensions) {
        const auto fields = split(extension.content);
        must(extension.tag == 0x30 && fields && (fields->size() == 2 || fields->size() == 3));
        must((*fields)[0].tag == 0x06 && fields->back().tag == 0x04);
        const ByteView oid = (*fields)[0].content;
        for (const ByteView earlier : oids)
            must(!eightbells::equal(earlier, oid));
        oids.push_back(oid);
        const bool ours = oid.size() == 9 && eightbells::to_hex(oid.first(8)) == "2b06010505073001";
        if (fields->size() == 3) {
            must((*fields)[1].tag == 0x01 && (*fields)[1].content.size() == 1);
            const std::uint8_t critical = (*fields)[1].content[0];
            must(critical == 0x00 || critical == 0xff);
            const std::uint8_t arc = ours ? oid[8] : 0;
            must(critical == 0 || (outer ? arc == 2 || arc == 4 || arc == 8 : arc == 7));
        }
        if (outer && ours && oid[8] == 2) {
            const auto wrapped = split(fields->back().content);
            must(wrapped && wrapped->size() == 1 && (*wrapped)[0].tag == 0x04);
            nonce = (*wrapped)[0].content;
            must(!nonce->empty() && nonce->size() <= 128);
        }
    }
    return nonce;
}

void walk_cert_id(const Node& node, const eightbells::ocsp::CertIdView& view) {
    const auto fields = split(node.content);
    must(node.tag == 0x30 && fields && fields->size() == 4);
    const auto algorithm = split((*fields)[0].content);
    must((*fields)[0].tag == 0x30 && algorithm && !algorithm->empty() && algorithm->size() <= 2);
    must((*algorithm)[0].tag == 0x06 && (*fields)[1].tag == 0x04 && (*fields)[2].tag == 0x04);
    must((*fields)[3].tag == 0x02 && !(*fields)[3].content.empty());
    must(same(view.tlv, node.whole) && same(view.hash_algorithm, (*fields)[0].whole));
    must(same(view.hash_oid, (*algorithm)[0].content) && same(view.issuer_name_hash, (*fields)[1].content));
    must(same(view.issuer_key_hash, (*fields)[2].content) && same(view.serial, (*fields)[3].content));
    const std::string oid = eightbells::to_hex(view.hash_oid);
    must((view.hash == eightbells::ocsp::HashAlgorithm::sha1) == (oid == "2b0e03021a"));
    must((view.hash == eightbells::ocsp::HashAlgorithm::sha256) == (oid == "608648016503040201"));
    if (view.hash && algorithm->size() == 2)
        must((*algorithm)[1].tag == 0x05 && (*algorithm)[1].content.empty());
}

void walk(ByteView der, const eightbells::ocsp::RequestView& view) {
    const auto whole = split(der);
    must(whole && whole->size() == 1 && (*whole)[0].tag == 0x30);
    const auto outer = split((*whole)[0].content);
    must(outer && (outer->size() == 1 || (outer->size() == 2 && (*outer)[1].tag == 0xa0)));
    const auto tbs = split((*outer)[0].content);
    must((*outer)[0].tag == 0x30 && tbs && !tbs->empty());
    std::size_t at = 0;
    if ((*tbs)[at].tag == 0xa0)
        must(eightbells::to_hex((*tbs)[at++].whole) == "a003020100");
    if (at < tbs->size() && (*tbs)[at].tag == 0xa1)
        ++at;
    must(at < tbs->size() && (*tbs)[at].tag == 0x30);
    const auto requests = split((*tbs)[at++].content);
    must(requests && requests->size() == view.cert_ids().size() && !requests->empty());
    for (std::size_t i = 0; i < requests->size(); ++i) {
        const auto fields = split((*requests)[i].content);
        must((*requests)[i].tag == 0x30 && fields && (fields->size() == 1 || fields->size() == 2));
        walk_cert_id((*fields)[0], view.cert_ids()[i]);
        if (fields->size() == 2) {
            must((*fields)[1].tag == 0xa0);
            walk_extensions((*fields)[1].content, false);
        }
    }
    std::optional<ByteView> nonce;
    if (at < tbs->size()) {
        must((*tbs)[at].tag == 0xa2);
        nonce = walk_extensions((*tbs)[at++].content, true);
    }
    must(at == tbs->size());
    must(nonce.has_value() == view.nonce().has_value());
    if (nonce)
        must(same(*nonce, *view.nonce()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView der{bytes, size};
    eightbells::ocsp::RequestView view;
    const auto fault = eightbells::ocsp::parse_request(der, view);
    if (fault) {
        must(eightbells::ocsp::to_string(*fault) != "unknown");
        return 0;
    }
    must(size <= eightbells::limits::request_octets);
    walk(der, view);
    return 0;
}
