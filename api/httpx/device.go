package httpx

import (
	"regexp"
	"strings"

	"github.com/mileusna/useragent"
)

// Device describes the client of a request, as its User-Agent header does.
type Device struct {
	Browser string // with its major version; empty when not known
	System  string // empty when not known
	Kind    string // desktop, mobile, tablet, program or unknown
}

// DeviceOf parses a User-Agent header.
func DeviceOf(agent string) Device {
	if agent == "" {
		return Device{Kind: "unknown"}
	}
	ua := useragent.Parse(agent)
	d := Device{Browser: ua.Name, System: ua.OS, Kind: "unknown"}
	if major, _, _ := strings.Cut(ua.Version, "."); d.Browser != "" && major != "" {
		d.Browser += " " + major
	}
	switch {
	case ua.Tablet:
		d.Kind = "tablet"
	case ua.Mobile:
		d.Kind = "mobile"
	case ua.Desktop:
		d.Kind = "desktop"
	case ua.OS == "":
		d.Kind = "program" // a client program, not a browser
	}
	return d
}

// plainName matches the names of real browsers and systems.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ]{0,30}$`)

// String returns a name for a mail to the user, or "". The name never contains what an attacker
// could have put into the header, such as a link.
func (d Device) String() string {
	switch {
	case d.Kind == "unknown" || d.Kind == "program" || !plainName.MatchString(d.Browser):
		return ""
	case !plainName.MatchString(d.System):
		return d.Browser
	}
	return d.Browser + " on " + d.System
}
