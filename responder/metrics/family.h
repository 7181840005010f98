#ifndef EIGHTBELLS_RESPONDER_METRICS_FAMILY_H
#define EIGHTBELLS_RESPONDER_METRICS_FAMILY_H

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "responder/metrics/cells.h"
#include "responder/metrics/inventory.h"
#include "responder/metrics/outcome.h"

namespace eightbells::metrics {

class MetricSet;

// An issuer by its index in the configuration: the one label whose values are known only at start.
struct IssuerIndex {
    std::size_t index = 0;
    IssuerIndex(std::size_t i) : index(i) {}  // NOLINT: meant to convert
};

// One metric with all its series, which are there from the start.
class FamilyBase {
  public:
    virtual ~FamilyBase() = default;
    FamilyBase(const FamilyBase&) = delete;
    FamilyBase& operator=(const FamilyBase&) = delete;
    Metric id() const noexcept { return id_; }
    virtual prometheus::MetricFamily collect() const = 0;

  protected:
    // Enters itself into `set`, which must live as long.
    FamilyBase(MetricSet& set, Metric id);

  private:
    Metric id_;
};

// All metrics of one program. A subclass lists them as members; nothing else can be exported. Reading takes a
// lock that only readers and `attach` share: writers of cells never wait.
class MetricSet : public prometheus::Collectable {
  public:
    MetricSet(std::string program, std::vector<std::string> issuers);
    ~MetricSet() override = default;
    MetricSet(const MetricSet&) = delete;
    MetricSet& operator=(const MetricSet&) = delete;

    std::vector<prometheus::MetricFamily> Collect() const override;

    // A counter or gauge that is kept elsewhere, read at each scrape on the scraping thread. `labels` are the
    // values in the inventory's order and must come from a fixed list. Several getters for one series are
    // added up (one a worker). A getter must be callable until the set is gone or detach_all() has returned.
    void attach(Metric metric, std::vector<std::string> labels, std::function<double()> getter);
    void detach_all();

    const std::vector<std::string>& issuers() const noexcept { return issuers_; }
    // What this set exports, in order.
    std::vector<Metric> metrics() const;

  private:
    friend class FamilyBase;
    struct Attached {
        Metric metric;
        std::vector<std::string> labels;
        std::function<double()> getter;
    };
    void add_attached(std::vector<prometheus::MetricFamily>& families) const;

    std::string program_;
    std::vector<std::string> issuers_;
    std::vector<const FamilyBase*> families_;
    mutable std::mutex mutex_;
    std::vector<Attached> attached_;
};

// The text that a scraper gets: Prometheus' text format 0.0.4.
std::string to_text(const prometheus::Collectable& metrics);

// --- how labels become series

using LabelValues = std::vector<std::string>;

template <class Label>
struct LabelOf;  // values(set) and index(label)
template <>
struct LabelOf<IssuerIndex> {
    static LabelValues values(const MetricSet& set) { return set.issuers(); }
    static std::size_t index(IssuerIndex issuer) noexcept { return issuer.index; }
};
template <class Enum, const auto& names>
struct EnumLabel {
    static LabelValues values(const MetricSet&) { return {names.begin(), names.end()}; }
    static std::size_t index(Enum value) noexcept { return static_cast<std::size_t>(value); }
};
template <>
struct LabelOf<BlobKind> : EnumLabel<BlobKind, blob_kind_names> {};
template <>
struct LabelOf<SyncResult> : EnumLabel<SyncResult, sync_result_names> {};
template <>
struct LabelOf<LiveVerdict> : EnumLabel<LiveVerdict, live_verdict_names> {};
template <>
struct LabelOf<SignatureOutcome> : EnumLabel<SignatureOutcome, signature_outcome_names> {};
template <>
struct LabelOf<EventAction> : EnumLabel<EventAction, event_action_names> {};
template <>
struct LabelOf<EventVerdict> : EnumLabel<EventVerdict, event_verdict_names> {};
template <>
struct LabelOf<Feed> : EnumLabel<Feed, feed_names> {};
template <>
struct LabelOf<Compared> : EnumLabel<Compared, compared_names> {};
template <>
struct LabelOf<ImportResult> : EnumLabel<ImportResult, import_result_names> {};
template <>
struct LabelOf<PublishResult> : EnumLabel<PublishResult, publish_result_names> {};
template <>
struct LabelOf<Door> : EnumLabel<Door, door_names> {};
template <>
struct LabelOf<Refused> : EnumLabel<Refused, refused_names> {};
template <>
struct LabelOf<StoreFinding> : EnumLabel<StoreFinding, store_finding_names> {};
template <>
struct LabelOf<ClockState> : EnumLabel<ClockState, clock_state_names> {};

// The metric's name, help and type, without series.
prometheus::MetricFamily empty_family(Metric metric);
// One series per combination of label values, the last label changing fastest.
std::vector<prometheus::ClientMetric> label_product(Metric metric, const std::vector<LabelValues>& values);
void read_cell(const Counter& cell, prometheus::ClientMetric& out);
void read_cell(const Gauge& cell, prometheus::ClientMetric& out);
void read_cell(const Histogram& cell, prometheus::ClientMetric& out);

// `metrics.signatures(issuer, SignatureOutcome::made).add()`: the cell for these labels. The last cell takes
// what lies beyond the list, so that a wrong index is a wrong number and never a wrong address.
template <class Cell, class... Labels>
class Family final : public FamilyBase {
  public:
    Family(MetricSet& set, Metric id) : FamilyBase(set, id), values_{LabelOf<Labels>::values(set)...} {
        for (const LabelValues& values : values_)
            size_ *= values.size();
        cells_ = std::make_unique<Cell[]>(size_ + 1);
        if constexpr (std::is_same_v<Cell, Histogram>) {
            for (std::size_t i = 0; i <= size_; ++i)
                cells_[i].use(definition(id).bounds);
        }
    }

    Cell& operator()(Labels... labels) const noexcept {
        std::size_t i = 0;
        std::size_t label = 0;
        bool within = true;
        [[maybe_unused]] const auto step = [&](std::size_t index) {
            within = within && index < values_[label].size();
            i = i * values_[label++].size() + index;
        };
        (step(LabelOf<Labels>::index(labels)), ...);
        return cells_[within ? i : size_];
    }

    prometheus::MetricFamily collect() const override {
        prometheus::MetricFamily family = empty_family(id());
        family.metric = label_product(id(), values_);
        for (std::size_t i = 0; i < family.metric.size(); ++i)
            read_cell(cells_[i], family.metric[i]);
        return family;
    }

  private:
    std::vector<LabelValues> values_;
    std::size_t size_ = 1;
    std::unique_ptr<Cell[]> cells_;
};

template <class... Labels>
using Counters = Family<Counter, Labels...>;
template <class... Labels>
using Gauges = Family<Gauge, Labels...>;
template <class... Labels>
using Histograms = Family<Histogram, Labels...>;

// Series that come only from attached getters. `values` are those that are known at start and shown as zero
// until then.
class AttachedFamily final : public FamilyBase {
  public:
    AttachedFamily(MetricSet& set, Metric id, std::vector<LabelValues> values = {})
        : FamilyBase(set, id), values_(std::move(values)) {}
    prometheus::MetricFamily collect() const override;

  private:
    std::vector<LabelValues> values_;
};

}  // namespace eightbells::metrics

#endif
