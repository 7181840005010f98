#ifndef EIGHTBELLS_CACHE_KEPT_H
#define EIGHTBELLS_CACHE_KEPT_H

#include <string>

#include "cache/held.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// Within `change`, which it commits. Brings the own page file from `saved` (what it holds; empty: not known)
// to `now`, and the floor up to its head, all in one durable transaction. Pages that a pool may hold stand
// there already. A page that did not verify leaves its older bytes where they are: under the new head they do
// not verify either, so that after a restart its certificates are not loaded, never good by an old answer
// whose patches are gone.
Status keep(PageFile::Change change, const std::string& issuer, const HeldState& saved, const HeldState& now);

// A first state is written in pieces, so that what is published meanwhile need not wait for all of it (2 GB
// at ten million certificates). What stands in the own page file then is no state of any head: no head is
// written before the last piece, which is `keep` from here.
class Filling {
  public:
    // Nothing of `first` stands there.
    explicit Filling(const HeldState& first);
    // Whether more is missing of `now` than one piece.
    bool has_pieces(const HeldState& now) const;
    // Some of them (limits::kept_pages). REQUIRES: has_pieces(now)
    Status keep_piece(PageFile::Change change, const std::string& issuer, const HeldState& now);
    const HeldState& held() const noexcept { return held_; }

  private:
    HeldState held_;  // the tables whose pages stand there; others have blank slots
};

}  // namespace eightbells::cache

#endif
