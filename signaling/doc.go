// Package signaling runs the live side of role plays. Participants connect by WebSocket; a Hub
// checks their tickets, seats them in rooms, drives the media node (package sfu) and keeps the
// clock of each role play. PROTOCOL.md describes the messages.
//
// A room is the live side of one attempt and has the attempt's id. A ticket is a single-use token
// from the REST API that lets one user take one role in one room: candidate, patient or observer.
// A join message with a ticket takes a seat. The answer contains a resume token: when the socket
// is lost, a resume message with that token takes the same seat again on a new socket. The seat
// and its media are kept for the grace period (the setting media.grace).
//
// A room goes through three phases. In "preparing" the candidate reads the card; "playing" is the
// role play itself, which is recorded and analysed; in "ended" participants wait for the report.
// The phase's clock runs only while the candidate's media is connected. In a play that somebody
// has joined as the patient, it runs only while the patient's is connected too.
//
// The code is split by what it needs. seats (who takes which role) and stage (phases and clock)
// are pure: no I/O, no clock, no sockets. A room owns one of each and a goroutine, its loop, that
// alone changes them. ledger writes to the database and the bus in order, with retries, so that
// a role play does not wait for either. Hub owns the sockets and the table of rooms.
package signaling
