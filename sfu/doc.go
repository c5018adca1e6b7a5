// Package sfu is a selective forwarding unit: it forwards live media between the participants of
// a room without decoding it. It handles RTP, RTCP and ICE only and has no notion of accounts,
// tickets or role plays. Its owner (package signaling) controls it by plain calls.
//
// # Terms and ownership
//
// A Node owns the only UDP port and the table of rooms. A Room is a set of participants; it has
// no goroutine, and its mutex guards membership only. A Participant has one goroutine, its loop,
// which alone uses the PeerConnection, so that offers cannot collide. A Track is one published
// medium. A Sink receives a track's packets: the forwarder to a subscriber is a Sink, and so is a
// tap to a recorder. A Source publishes a track without a connection, whose packets this process
// makes. The grace period (Config.Grace) is how long a participant whose connection
// is lost stays in the room.
//
// # Negotiation
//
// The client's offer comes with its join and is answered at once; the answer contains all
// candidates. After that only the server offers, one offer at a time. Changes that happen while
// an offer is unanswered go into the next one. The loop does not process track events one by one:
// when it is woken, it compares what it forwards with the room's tracks, so that no queue builds
// up and no two loops wait for each other. The first server offer waits until the client has
// connected once, and so has the answer. Tracks that exist at the time of the join go into the
// answer itself, as far as the client's offer has sections that can receive. The section of a
// track that has ended is used again once the client has confirmed that it is idle.
//
// # The path of a packet
//
// Pion decrypts a packet and passes it, in the goroutine that read it, to an inlet (the buffer
// that Pion lets us supply). The inlet passes it to its Track, which parses it, records gaps,
// keeps a copy for retransmission, and writes it to each sink. There is no queue and no further
// goroutine on this path, and nothing on it allocates. Each publisher's track is sent on a
// transceiver of its own with unchanged sequence numbers and timestamps, so that one copy serves
// retransmission to every subscriber.
//
// # Loss
//
// A missing packet is requested from its publisher by NACK: after 10 ms, then again after a
// timeout that follows the measured round trip, until it arrives or its playout deadline has
// passed. A timer does this, so that packets lost before a pause are requested too. Subscribers'
// requests are answered from the track's copy. Browsers negotiate NACK for Opus only when the
// page adds it to its own descriptions. Receiver reports are made here, sender reports by Pion.
//
// # Reconnection
//
// When ICE is lost, the participant keeps its membership, tracks and forwarders for the grace
// period. RestartICE makes the server send an offer with new ICE credentials. A join with the id
// of a member replaces that member at once, with ErrReplaced as the reason.
package sfu
