package sessions

import (
	"strings"

	"github.com/mileusna/useragent"
)

// device is what a User-Agent header says of whoever sends it.
type device struct{ browser, system, kind string }

func describe(agent string) device {
	if agent == "" {
		return device{kind: "unknown"}
	}
	ua := useragent.Parse(agent)
	d := device{browser: ua.Name, system: ua.OS, kind: "unknown"}
	if major, _, _ := strings.Cut(ua.Version, "."); d.browser != "" && major != "" {
		d.browser += " " + major
	}
	switch {
	case ua.Tablet:
		d.kind = "tablet"
	case ua.Mobile:
		d.kind = "mobile"
	case ua.Desktop:
		d.kind = "desktop"
	case ua.OS == "":
		d.kind = "program" // a client of the interface, not a browser
	}
	return d
}
