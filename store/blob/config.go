package blob

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// Config configures a Store. A zero field means the value in Defaults.
type Config struct {
	URL       string `key:"store.blob_url" env:"BEDSIDE_BLOB_URL" doc:"recordings and archives: file:///folder or s3://bucket/folder?region=eu-west-1; a server that is not Amazon's has endpoint=https://host as well; empty: a folder in the data folder" secret:"true"`
	AccessKey string `key:"store.s3_access_key" env:"BEDSIDE_S3_ACCESS_KEY" doc:"id of the key for S3; empty: AWS_ACCESS_KEY_ID, an AWS profile, or the role of the machine" secret:"true"`
	SecretKey string `key:"store.s3_secret_key" env:"BEDSIDE_S3_SECRET_KEY" doc:"the secret of that key" secret:"true"`

	Dir      string // the folder when URL is empty
	MaxBytes int64  // size limit of one file
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{MaxBytes: 256 << 20} }

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	_, err := c.location()
	if (c.AccessKey == "") != (c.SecretKey == "") {
		err = errors.Join(err,
			errors.New("store.s3_access_key and store.s3_secret_key go together"))
	}
	return err
}

// location returns the address of the files. Its errors do not repeat the address, which may hold
// a secret by mistake.
func (c Config) location() (*url.URL, error) {
	if c.URL == "" {
		return &url.URL{Scheme: "file", Path: filepath.ToSlash(c.Dir)}, nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
	case u.Scheme == "file" && u.Path != "" && u.Host == "" && u.RawQuery == "":
		return u, nil
	case u.Scheme == "s3":
		_, err := parseS3(u)
		return u, err
	}
	return nil, errors.New(
		"store.blob_url: the form is file:///folder or s3://bucket?region=eu-west-1")
}

// open opens the folder or the bucket, and reports whether it is a bucket of an S3 server.
func (c Config) open(ctx context.Context) (b *blob.Bucket, remote bool, err error) {
	u, err := c.location()
	if err != nil {
		return nil, false, err
	}
	if u.Scheme == "s3" {
		b, err = c.openS3(ctx, u)
		return b, true, err
	}
	b, err = fileblob.OpenBucket(filepath.FromSlash(u.Path), &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700,
		NoTempDir: true, // a temporary file on another file system could not be renamed
	})
	return b, false, err
}
