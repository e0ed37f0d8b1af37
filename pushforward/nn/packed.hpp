#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace pushforward {

/// Something made from weights, kept until one of them changes. Thread-safe.
template <class T>
class MadeOf {
public:
    std::shared_ptr<const T> get(const std::vector<at::Tensor>& weights,
                                 const std::function<T()>& make) const {
        std::vector<std::pair<const void*, std::int64_t>> now;
        for (const at::Tensor& w : weights)
            now.emplace_back(w.const_data_ptr(), static_cast<std::int64_t>(w._version()));
        const std::lock_guard lock(mutex_);
        if (!made_ || now != of_) {
            made_ = std::make_shared<const T>(make());
            of_ = std::move(now);
        }
        return made_;
    }

private:
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const T> made_;
    mutable std::vector<std::pair<const void*, std::int64_t>> of_;
};

}  // namespace pushforward
