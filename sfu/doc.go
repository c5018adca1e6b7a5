// Package sfu forwards live media between the participants of a room: RTP, RTCP and ICE only. It
// knows nothing of accounts, tickets or role plays, and is driven by its owner (signalling)
// through plain calls.
//
// # Who owns what
//
// A Node owns one UDP port for everybody and the table of rooms. A Room is a meeting of
// participants; it has no goroutine, its mutex guards membership only. A Participant has one
// goroutine, its loop, which alone uses the PeerConnection, so offers can never cross each other.
// A Track is one published medium. Whatever takes its packets is a Sink: the forwarder to a
// subscriber is one, a tap to a recorder is another.
//
// # Negotiation
//
// The client's offer comes with its join and is answered at once, with all candidates in the
// answer. From then on only the server offers, one offer at a time; what happens while an offer
// is out is gathered into the next. The loop does not follow events about tracks: it is woken and
// compares what it sends with what the room has, so that nothing queues up and no two loops wait
// for each other. The first offer waits until the client has connected once: by then it has the
// answer for certain. Tracks that exist at the join go into the answer itself as far as the
// client's offer has sections that can receive. A section whose track has left is used again once
// the client has confirmed that it is idle.
//
// # The way of a packet
//
// Pion decrypts a packet and hands it, in the goroutine that read it, to an inlet (the buffer
// that Pion lets us supply). The inlet gives it to its Track, which parses it, notes gaps, keeps
// a copy for retransmission, and writes it to each sink. There is no queue and no further
// goroutine on that way, and nothing on it allocates. Each publisher's track is sent on a
// transceiver of its own with sequence numbers and timestamps as they came, so one copy serves
// retransmission to every subscriber.
//
// # Loss
//
// Missing packets are asked for up to five times, with growing pauses; subscribers' requests are
// answered from the track's copy. Receiver reports are made here, sender reports by Pion.
//
// # Reconnection
//
// When ICE is lost, the participant keeps its place, tracks and forwarders for Config.Grace.
// RestartICE makes the server offer with new ICE credentials. A join with the id of somebody
// present takes that place at once: the old one is gone with ErrReplaced.
package sfu
