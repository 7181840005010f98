#include "responder/front/paths.h"

#include <algorithm>

#include "responder/ocsp/request.h"

namespace eightbells::front {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

}  // namespace

OcspPaths::OcspPaths(std::span<const std::string> prefixes) {
    for (std::string_view prefix : prefixes) {
        while (prefix.ends_with('/'))
            prefix.remove_suffix(1);
        prefixes_.emplace_back(prefix);
    }
    prefixes_.emplace_back();
    std::ranges::sort(prefixes_, [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    const auto repeated = std::ranges::unique(prefixes_);
    prefixes_.erase(repeated.begin(), repeated.end());
}

std::string_view OcspPaths::data_of(std::string_view path) const noexcept {
    for (const std::string& prefix : prefixes_) {
        if (!path.starts_with(prefix))
            continue;
        const std::string_view rest = path.substr(prefix.size());
        if (rest.empty())
            return rest;
        if (rest.front() == '/')
            return rest.substr(1);
    }
    return {};
}

bool OcspPaths::takes_post(std::string_view path) const noexcept {
    path = without_query(path);
    if (path.ends_with('/'))
        path.remove_suffix(1);
    return std::ranges::any_of(prefixes_, [path](const std::string& prefix) { return path == prefix; });
}

OcspPaths::Content OcspPaths::find_request(const http::Request& request, std::span<std::uint8_t> decoded,
                                           ByteView& der) const noexcept {
    if (request.method == http::Method::post) {
        der = request.body;
        if (!takes_post(request.path))
            return Content::nothing_here;
        return is_ocsp_request_type(request.content_type) ? Content::request : Content::other_type;
    }
    const std::string_view data = data_of(request.path);
    if (const auto found = ocsp::decode_get_path(data, decoded)) {
        der = *found;
        return Content::request;
    }
    return names_file(data) ? Content::nothing_here : Content::undecodable;
}

std::string_view without_query(std::string_view path) noexcept {
    return path.substr(0, path.find('?'));
}

bool names_file(std::string_view path) noexcept {
    return without_query(path).find('.') != std::string_view::npos;
}

bool is_ocsp_request_type(std::string_view content_type) noexcept {
    constexpr std::string_view expected = "application/ocsp-request";
    if (content_type.empty() || content_type == expected)
        return true;
    return std::ranges::equal(trimmed(content_type.substr(0, content_type.find(';'))), expected, {}, lower);
}

}  // namespace eightbells::front
