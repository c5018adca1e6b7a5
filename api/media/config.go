package media

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"bedside/store"
)

// Config configures the slice. A zero field means the value in Defaults.
type Config struct {
	MaxMB      int `key:"content.upload_mb" env:"BEDSIDE_CONTENT_UPLOAD_MB" doc:"largest picture or sound that can be uploaded, in MB"`
	QuotaMB    int `key:"content.quota_mb" env:"BEDSIDE_CONTENT_QUOTA_MB" doc:"space for what one account has uploaded, as the server stores it, in MB"`
	QuotaFiles int `key:"content.quota_files" env:"BEDSIDE_CONTENT_QUOTA_FILES" doc:"number of pictures and sounds that one account may have uploaded"`
	Receiving  int `key:"content.uploads_at_once" env:"BEDSIDE_CONTENT_UPLOADS_AT_ONCE" doc:"uploads that a process receives at the same time; each takes space on the disk for its file"`

	TempDir     string        // where uploads are written while they arrive; empty: the system's
	Waiting     int           // uploads that may wait to be decoded
	Idle        time.Duration // how long a client may send nothing
	UploadLimit time.Duration // for receiving a whole upload
	WorkLimit   time.Duration // for waiting and decoding
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{
		MaxMB: 20, QuotaMB: 500, QuotaFiles: 1000, Receiving: 16, Waiting: 8,
		Idle: 10 * time.Second, UploadLimit: 3 * time.Minute, WorkLimit: 30 * time.Second,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	return Config{
		MaxMB: cmp.Or(c.MaxMB, d.MaxMB), QuotaMB: cmp.Or(c.QuotaMB, d.QuotaMB),
		QuotaFiles: cmp.Or(c.QuotaFiles, d.QuotaFiles),
		Receiving:  cmp.Or(c.Receiving, d.Receiving), TempDir: c.TempDir,
		Waiting: cmp.Or(c.Waiting, d.Waiting), Idle: cmp.Or(c.Idle, d.Idle),
		UploadLimit: cmp.Or(c.UploadLimit, d.UploadLimit),
		WorkLimit:   cmp.Or(c.WorkLimit, d.WorkLimit),
	}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		key         string
		value, most int
	}{
		{"content.upload_mb", c.MaxMB, 200}, {"content.quota_mb", c.QuotaMB, 1 << 20},
		{"content.quota_files", c.QuotaFiles, 1_000_000},
		{"content.uploads_at_once", c.Receiving, 1000},
	} {
		if n.value < 0 || n.value > n.most {
			errs = append(errs, fmt.Errorf("%s: %d is not a number from 1 to %d (0: the default)",
				n.key, n.value, n.most))
		}
	}
	return errors.Join(errs...)
}

func (c Config) maxBytes() int64 { return int64(c.MaxMB) << 20 }

func (c Config) quota() store.MediaQuota {
	return store.MediaQuota{Files: c.QuotaFiles, Bytes: int64(c.QuotaMB) << 20}
}
