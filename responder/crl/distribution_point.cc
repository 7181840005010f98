#include "responder/crl/distribution_point.h"

#include "responder/crl/limits.h"
#include "responder/der/reader.h"

namespace eightbells::crl {

namespace {

using der::Reader;
using der::Tag;

tl::unexpected<Error> not_der() {
    return fail("F-12: issuingDistributionPoint is not DER");
}

// DistributionPointName ::= CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] RDN }, within the
// explicit [0] that the field has.
Status read_name(ByteView content, IssuingDistributionPoint& point) {
    Reader outer{content};
    if (outer.next_is(der::context_constructed(1))) {
        const auto relative = outer.read_any();
        point.has_relative_name = true;
        return relative && outer.empty() ? Status{} : not_der();
    }
    auto names = outer.read_into(der::context_constructed(0));
    if (!names || names->empty() || !outer.empty())
        return not_der();
    for (std::size_t count = 1; !names->empty(); ++count) {
        if (count > limits::crl_names)
            return fail("F-12: issuingDistributionPoint has too many names");
        const auto name = names->read_any();
        if (!name)
            return not_der();
        if (static_cast<int>(name->tag) == 0x86)  // uniformResourceIdentifier
            point.uris.push_back(name->content);
    }
    return {};
}

bool* flag_of(int number, IssuingDistributionPoint& point) {
    switch (number) {
        case 1:
            return &point.only_user_certificates;
        case 2:
            return &point.only_ca_certificates;
        case 4:
            return &point.indirect;
        case 5:
            return &point.only_attribute_certificates;
        default:
            return nullptr;
    }
}

}  // namespace

Result<IssuingDistributionPoint> parse_issuing_distribution_point(ByteView extension_value) {
    Reader outer{extension_value};
    auto fields = outer.read_into(Tag::sequence);
    if (!fields || !outer.empty())
        return not_der();
    if (fields->empty())
        return fail("F-12: issuingDistributionPoint is an empty sequence");
    IssuingDistributionPoint point;
    for (int last = -1; !fields->empty();) {
        const auto element = fields->read_any();
        const int tag = element ? static_cast<int>(element->tag) : 0;
        const int number = tag & 0x1f;
        if (!element || tag != ((number == 0 ? 0xa0 : 0x80) | number) || number > 5 || number <= last)
            return not_der();
        last = number;
        if (number == 0) {
            if (auto read = read_name(element->content, point); !read)
                return tl::unexpected(read.error());
        } else if (number == 3) {
            if (element->content.size() < 2)
                return not_der();
            point.only_some_reasons = true;
        } else {
            if (element->content.size() != 1 || element->content[0] != 0xff)
                return not_der();
            *flag_of(number, point) = true;
        }
    }
    return point;
}

}  // namespace eightbells::crl
