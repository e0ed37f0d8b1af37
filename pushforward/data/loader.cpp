#include "pushforward/data/loader.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rng.hpp"

#include <ATen/Parallel.h>
#include <omp.h>

namespace pushforward {

Batch take(const Dataset& data, std::span<const std::int64_t> rows, const Scaling& scaling) {
    return scaling.to_model(data.get(rows));
}

ScaledData::ScaledData(std::shared_ptr<const Dataset> data, Scaling scaling)
    : data_(std::move(data)), scaling_(std::move(scaling)) {}

Batch ScaledData::get(std::span<const std::int64_t> rows) const {
    return take(*data_, rows, scaling_);
}

Loader::Loader(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> rows, Scaling scaling,
               std::int64_t batch, std::uint64_t seed, std::int64_t prefetch)
    : data_(std::move(data)),
      rows_(std::move(rows)),
      scaling_(std::move(scaling)),
      batch_(batch),
      seed_(seed),
      prefetch_(static_cast<std::size_t>(prefetch)) {
    PF_CHECK(!rows_.empty(), "Loader", "at least one row", 0);
    PF_CHECK(batch > 0, "Loader", "a batch of at least 1", batch);
    PF_CHECK(prefetch > 0, "Loader", "at least 1 batch ahead", prefetch);
    thread_ = std::jthread([this](std::stop_token stop) { work(stop); });
}

Loader::~Loader() = default;  // jthread asks its thread to stop, wakes it and waits

std::vector<std::int64_t> Loader::rows_of(std::int64_t k) const {
    const std::int64_t n = rows(), first = k * batch_;
    constexpr std::uint64_t stream = 0x65706f6368;  // "epoch"
    const Rng rng = Rng(seed_).split(stream);
    const auto epoch_of = [&](std::int64_t epoch) {
        return Shuffle(n, rng.split(static_cast<std::uint64_t>(epoch)).key());
    };
    std::int64_t epoch = first / n;
    Shuffle shuffle = epoch_of(epoch);
    std::vector<std::int64_t> rows;
    rows.reserve(static_cast<std::size_t>(batch_));
    for (std::int64_t place = first; place < first + batch_; ++place) {
        if (place / n != epoch) shuffle = epoch_of(epoch = place / n);
        rows.push_back(rows_[static_cast<std::size_t>(shuffle(place % n))]);
    }
    return rows;
}

Batch Loader::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !queue_.empty(); });
    if (queue_.front().error) std::rethrow_exception(queue_.front().error);
    Batch batch = std::move(queue_.front().batch);
    queue_.pop_front();
    ++cursor_;
    lock.unlock();
    changed_.notify_all();
    return batch;
}

void Loader::seek(std::int64_t k) {
    PF_CHECK(k >= 0, "Loader::seek", "a batch number of at least 0", k);
    {
        std::lock_guard lock(mutex_);
        if (cursor_ == k) return;
        queue_.clear();
        cursor_ = wanted_ = k;
    }
    changed_.notify_all();
}

void Loader::work(std::stop_token stop) {
    at::internal::lazy_init_num_threads();
    omp_set_num_threads(1);  // this thread alone; the others belong to the training
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return queue_.size() < prefetch_; }) &&
           !stop.stop_requested()) {
        Made made{.k = wanted_++};
        lock.unlock();
        try {
            made.batch = take(*data_, rows_of(made.k), scaling_);
        } catch (...) {
            made.error = std::current_exception();
        }
        lock.lock();
        // `seek` may have gone elsewhere meanwhile: only the next batch in line is kept
        if (made.k == (queue_.empty() ? cursor_ : queue_.back().k + 1)) {
            queue_.push_back(std::move(made));
            changed_.notify_all();
        }
    }
}

}  // namespace pushforward
