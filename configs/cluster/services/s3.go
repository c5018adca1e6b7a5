package services

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
)

// S3 is a running S3 server, versitygw, with one bucket. It keeps the files in a folder.
type S3 struct {
	Service
	Address              string // host:port
	AccessKey, SecretKey string
}

const bucket = "bedside"

// StartS3 starts an S3 server with its files and its log in dir. The caller stops it.
func StartS3(ctx context.Context, dir string) (*S3, error) {
	path, err := Find("versitygw")
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	files, metadata := filepath.Join(dir, "s3-files"), filepath.Join(dir, "s3-metadata")
	for _, d := range []string{filepath.Join(files, bucket), metadata} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	s := &S3{Address: address, AccessKey: "bedside-cluster", SecretKey: "not-a-secret-on-loopback"}
	s.Service = Service{
		Name: "s3", Path: path, Log: filepath.Join(dir, "s3.log"),
		Args: []string{
			"--port", address, "--health", "/health", "posix", "--sidecar", metadata, files,
		},
		Env: []string{
			"ROOT_ACCESS_KEY_ID=" + s.AccessKey, "ROOT_SECRET_ACCESS_KEY=" + s.SecretKey,
		},
		Ready: Answers("http://" + address + "/health"),
	}
	return s, s.Start(ctx)
}

// URL returns the address for store.blob_url.
func (s *S3) URL() string { return S3URL(s.Address) }

// S3URL returns the address for store.blob_url when the server is reached at another host:port.
func S3URL(address string) string {
	q := url.Values{"region": {"us-east-1"}, "endpoint": {"http://" + address}}
	return (&url.URL{Scheme: "s3", Host: bucket, RawQuery: q.Encode()}).String()
}
