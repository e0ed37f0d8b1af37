#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <memory>

namespace pushforward {

/// An embedding, a stack of LSTM layers (Hochreiter & Schmidhuber 1997; with a forget gate, Gers et
/// al. 2000) and a linear layer: the character model of Graves 2013. The weights of the stack are
/// laid out and named as PyTorch's nn.LSTM has them.
struct LstmOptions : Options {
    std::int64_t embedding = 64, width = 512, layers = 1;
    double dropout = 0;

    void visit(Fields& f) override;
};

/// Over `symbols` symbols; a row of the table after the last one stands before the first place.
/// `context` numbers of a condition are added to each embedding (0: none).
std::shared_ptr<SequenceNetwork> make_lstm_network(const LstmOptions& options, std::int64_t symbols,
                                                   std::int64_t context);

}  // namespace pushforward
