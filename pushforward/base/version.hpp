#pragma once

namespace pushforward {

const char* version();  ///< "0.1.0"
const char* commit();   ///< the commit it was configured at, "" outside a checkout

}  // namespace pushforward
