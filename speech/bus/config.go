package bus

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Config configures a Bus. A zero field means the value in Defaults.
type Config struct {
	URL      string        `key:"store.nats_url" env:"NATS_URL" doc:"NATS with JetStream, with commas between the servers of a cluster; empty: a server inside the process" secret:"true"`
	Replicas int           `key:"store.nats_replicas" env:"BEDSIDE_NATS_REPLICAS" doc:"servers of the NATS cluster that hold each message: 3 for one that loses nothing with any of its servers; the same in every process"`
	IdleEnd  time.Duration `key:"speech.idle_end" env:"BEDSIDE_SPEECH_IDLE_END" doc:"a role play ends when its media server has sent nothing for this long"`
	// Audio that NATS does not take waits in the spool.
	SpoolMB    int    `key:"media.spool_mb" env:"BEDSIDE_MEDIA_SPOOL_MB" doc:"megabytes of memory for audio that waits while NATS takes none; a role play has about 3, one speaker may use an eighth"`
	SpoolDir   string `key:"media.spool_dir" env:"BEDSIDE_MEDIA_SPOOL_DIR" doc:"a folder for audio that waits and does not fit into memory, best on another disk than NATS; what is in it survives a restart; empty: none"`
	SpoolDirMB int    `key:"media.spool_dir_mb" env:"BEDSIDE_MEDIA_SPOOL_DIR_MB" doc:"megabytes that media.spool_dir may use"`

	Dir       string        // where the server inside this process keeps its files
	MaxBytes  int64         // size limit of the audio log
	MaxAge    time.Duration // of what is in the audio log
	AckWait   time.Duration // a claim not kept alive for this long goes to another worker
	BatchTime time.Duration // how long a tap collects frames before it publishes them
	Heartbeat time.Duration // interval at which a tap without frames publishes a heartbeat
	// FullWait is how long the end of an attempt waits for space in a full log.
	FullWait time.Duration
	// CheckEvery is the interval at which the bus checks whether messages can be stored.
	CheckEvery time.Duration

	// dial replaces URL with a server in this process that the caller owns; for tests.
	dial nats.InProcessConnProvider
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{
		Replicas: 1, IdleEnd: 20 * time.Second, MaxBytes: 8 << 30, MaxAge: 7 * 24 * time.Hour,
		AckWait:   10 * time.Second,
		BatchTime: 100 * time.Millisecond, Heartbeat: 5 * time.Second,
		FullWait:   15 * time.Minute,
		CheckEvery: 2 * time.Second, SpoolMB: 256, SpoolDirMB: 1024,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Replicas = cmp.Or(c.Replicas, d.Replicas)
	c.IdleEnd = cmp.Or(c.IdleEnd, d.IdleEnd)
	c.MaxBytes = cmp.Or(c.MaxBytes, d.MaxBytes)
	c.MaxAge = cmp.Or(c.MaxAge, d.MaxAge)
	c.AckWait = cmp.Or(c.AckWait, d.AckWait)
	c.BatchTime = cmp.Or(c.BatchTime, d.BatchTime)
	c.Heartbeat = cmp.Or(c.Heartbeat, d.Heartbeat)
	c.FullWait = cmp.Or(c.FullWait, d.FullWait)
	c.CheckEvery = cmp.Or(c.CheckEvery, d.CheckEvery)
	c.SpoolMB = cmp.Or(c.SpoolMB, d.SpoolMB)
	c.SpoolDirMB = cmp.Or(c.SpoolDirMB, d.SpoolDirMB)
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	var errs []error
	if c.IdleEnd <= 0 {
		errs = append(errs, errors.New("speech.idle_end: a time above zero is needed"))
	}
	if c.SpoolMB < 1 || c.SpoolDirMB < 1 {
		errs = append(errs, errors.New("media.spool_mb, media.spool_dir_mb: at least 1 is needed"))
	}
	switch {
	case c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		errs = append(errs,
			fmt.Errorf("store.nats_replicas: %d is not one of 1, 3, 5", c.Replicas))
	case c.Replicas > 1 && c.URL == "":
		errs = append(errs, errors.New("store.nats_replicas: set NATS_URL to a cluster's "+
			"servers, since the server inside the process is alone"))
	}
	return errors.Join(append(errs, c.validateURL())...)
}

// validateURL returns an error if the client library cannot read one of the addresses.
func (c Config) validateURL() error {
	for i, address := range strings.Split(c.URL, ",") {
		if address = strings.TrimSpace(address); !strings.Contains(address, "://") {
			address = "nats://" + address // as the library does
		}
		if _, err := url.Parse(address); err != nil {
			// The cause would contain the password.
			return fmt.Errorf("store.nats_url: address %d is not of the form "+
				"nats://user:password@host:port; write special characters of a password as %%XX, "+
				"such as %%2F for a slash and %%2C for a comma", i+1)
		}
	}
	return nil
}
