package signaling

import (
	"fmt"

	"bedside/signaling/protocol"
)

// opener is who opened a room: the account and the address of its first join.
type opener struct{ account, address string }

// openedRooms counts the live rooms of each account and each address, so that nobody can take all
// rooms of the node. Only the first join to a room counts. Not safe for concurrent use.
type openedRooms struct {
	perAccount, perAddress int // limits
	by                     map[string]opener
	ofAccount, ofAddress   map[string]int
}

func newOpenedRooms(cfg Config) openedRooms {
	return openedRooms{
		perAccount: cfg.RoomsPerAccount, perAddress: cfg.RoomsPerAddress,
		by: map[string]opener{}, ofAccount: map[string]int{}, ofAddress: map[string]int{},
	}
}

// check returns a clientError if o may not open another room now.
func (rooms *openedRooms) check(o opener) error {
	switch {
	case rooms.ofAccount[o.account] >= rooms.perAccount:
		return fatalError(protocol.CodeTooManyRooms, fmt.Sprintf(
			"you have %d role plays open; end one of them, or wait two minutes after leaving it",
			rooms.perAccount))
	case rooms.ofAddress[o.address] >= rooms.perAddress:
		return fatalError(protocol.CodeTooManyRooms, fmt.Sprintf(
			"%d role plays are open from your network; try again when one of them has ended",
			rooms.perAddress))
	}
	return nil
}

func (rooms *openedRooms) add(id string, o opener) {
	rooms.by[id] = o
	rooms.ofAccount[o.account]++
	rooms.ofAddress[o.address]++
}

func (rooms *openedRooms) remove(id string) {
	o, ok := rooms.by[id]
	if !ok {
		return
	}
	delete(rooms.by, id)
	if rooms.ofAccount[o.account]--; rooms.ofAccount[o.account] == 0 {
		delete(rooms.ofAccount, o.account)
	}
	if rooms.ofAddress[o.address]--; rooms.ofAddress[o.address] == 0 {
		delete(rooms.ofAddress, o.address)
	}
}
