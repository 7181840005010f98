#include "responder/metrics/family.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cassert>
#include <sstream>

#include "responder/metrics/own_resources.h"

namespace eightbells::metrics {
namespace {

bool has_labels(const prometheus::ClientMetric& series, const std::vector<std::string>& values) {
    return std::ranges::equal(series.label, values, {}, &prometheus::ClientMetric::Label::value);
}

}  // namespace

FamilyBase::FamilyBase(MetricSet& set, Metric id) : id_(id) {
    set.families_.push_back(this);
}

MetricSet::MetricSet(std::string program, std::vector<std::string> issuers)
    : program_(std::move(program)), issuers_(std::move(issuers)) {}

std::vector<Metric> MetricSet::metrics() const {
    const auto own = own_resource_metrics();
    std::vector<Metric> result(own.begin(), own.end());
    for (const FamilyBase* family : families_)
        result.push_back(family->id());
    return result;
}

std::vector<prometheus::MetricFamily> MetricSet::Collect() const {
    const std::scoped_lock lock(mutex_);
    std::vector<prometheus::MetricFamily> families = own_resources(program_);
    for (const FamilyBase* family : families_)
        families.push_back(family->collect());
    add_attached(families);
    return families;
}

void MetricSet::attach(Metric metric, std::vector<std::string> labels, std::function<double()> getter) {
    assert(labels.size() == definition(metric).label_count());
    assert(definition(metric).type != Type::histogram);
    const std::scoped_lock lock(mutex_);
    attached_.push_back({metric, std::move(labels), std::move(getter)});
}

void MetricSet::detach_all() {
    const std::scoped_lock lock(mutex_);
    attached_.clear();
}

void MetricSet::add_attached(std::vector<prometheus::MetricFamily>& families) const {
    for (const Attached& attached : attached_) {
        const Definition& row = definition(attached.metric);
        const auto family = std::ranges::find(families, row.name, &prometheus::MetricFamily::name);
        if (family == families.end())
            continue;
        auto series = std::ranges::find_if(family->metric, [&](const prometheus::ClientMetric& candidate) {
            return has_labels(candidate, attached.labels);
        });
        if (series == family->metric.end()) {
            prometheus::ClientMetric added;
            for (std::size_t i = 0; i < attached.labels.size(); ++i)
                added.label.push_back({std::string(row.labels[i]), attached.labels[i]});
            series = family->metric.insert(series, std::move(added));
        }
        (row.type == Type::counter ? series->counter.value : series->gauge.value) += attached.getter();
    }
}

std::string to_text(const prometheus::Collectable& metrics) {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, metrics.Collect());
    return std::move(out).str();
}

prometheus::MetricFamily empty_family(Metric metric) {
    const Definition& row = definition(metric);
    prometheus::MetricFamily family;
    family.name = row.name;
    family.help = row.help;
    switch (row.type) {
        case Type::counter:
            family.type = prometheus::MetricType::Counter;
            break;
        case Type::gauge:
            family.type = prometheus::MetricType::Gauge;
            break;
        case Type::histogram:
            family.type = prometheus::MetricType::Histogram;
            break;
    }
    return family;
}

std::vector<prometheus::ClientMetric> label_product(Metric metric, const std::vector<LabelValues>& values) {
    const Definition& row = definition(metric);
    assert(values.size() == row.label_count());
    std::vector<prometheus::ClientMetric> series(1);
    for (std::size_t label = 0; label < values.size(); ++label) {
        std::vector<prometheus::ClientMetric> longer;
        longer.reserve(series.size() * values[label].size());
        for (const prometheus::ClientMetric& shorter : series) {
            for (const std::string& value : values[label])
                longer.emplace_back(shorter).label.push_back({std::string(row.labels[label]), value});
        }
        series = std::move(longer);
    }
    return series;
}

void read_cell(const Counter& cell, prometheus::ClientMetric& out) {
    out.counter.value = static_cast<double>(cell.value());
}

void read_cell(const Gauge& cell, prometheus::ClientMetric& out) {
    out.gauge.value = cell.value();
}

void read_cell(const Histogram& cell, prometheus::ClientMetric& out) {
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i <= cell.bounds().size(); ++i) {
        cumulative += cell.count(i);
        if (i < cell.bounds().size())
            out.histogram.bucket.push_back({cumulative, cell.bounds()[i]});
    }
    out.histogram.sample_count = cumulative;
    out.histogram.sample_sum = cell.sum_seconds();
}

prometheus::MetricFamily AttachedFamily::collect() const {
    prometheus::MetricFamily family = empty_family(id());
    if (values_.size() == definition(id()).label_count())
        family.metric = label_product(id(), values_);
    return family;
}

}  // namespace eightbells::metrics
