package sfu

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config configures a Node. A zero field means the value in Defaults.
type Config struct {
	// UDPAddr is the one address for all media. Port 0 takes a free port, an empty host all
	// addresses.
	UDPAddr         string
	IncludeLoopback bool // also offer loopback candidates; implied when UDPAddr is on loopback

	PublicIPs       []string      `key:"media.public_ips" env:"BEDSIDE_MEDIA_PUBLIC_IPS" doc:"public addresses to offer to clients when NAT maps them to this host"`
	MaxRooms        int           `key:"media.max_rooms" env:"BEDSIDE_MEDIA_MAX_ROOMS" doc:"maximum number of rooms on this node"`
	MaxParticipants int           `key:"media.max_participants" env:"BEDSIDE_MEDIA_MAX_PARTICIPANTS" doc:"maximum number of participants in a room"`
	Grace           time.Duration `key:"media.grace" env:"BEDSIDE_MEDIA_GRACE" doc:"how long a participant who lost the connection keeps the place in the room"`
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{
		UDPAddr: "127.0.0.1:0", MaxRooms: 200, MaxParticipants: 8, Grace: 20 * time.Second,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.UDPAddr = cmp.Or(c.UDPAddr, d.UDPAddr)
	c.MaxRooms = cmp.Or(c.MaxRooms, d.MaxRooms)
	c.MaxParticipants = cmp.Or(c.MaxParticipants, d.MaxParticipants)
	c.Grace = cmp.Or(c.Grace, d.Grace)
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	var errs []error
	for _, ip := range c.PublicIPs {
		if _, err := netip.ParseAddr(ip); err != nil {
			errs = append(errs, fmt.Errorf("media.public_ips: %q is not an IP address", ip))
		}
	}
	if c.MaxRooms < 1 {
		errs = append(errs, errors.New("media.max_rooms: at least 1 is needed"))
	}
	if c.MaxParticipants < 1 {
		errs = append(errs, errors.New("media.max_participants: at least 1 is needed"))
	}
	if c.Grace <= 0 {
		errs = append(errs, errors.New("media.grace: a time above zero is needed"))
	}
	return errors.Join(errs...)
}
