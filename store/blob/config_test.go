package blob_test

import (
	"strings"
	"testing"

	"bedside/store/blob"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"":                                    "",
		"file:///srv/bedside":                 "",
		"s3://bucket?region=eu-west-1":        "",
		"s3://bucket":                         "", // the region may be in the AWS environment
		"s3://bucket/eu/bedside?region=a":     "",
		"s3://b?endpoint=https://minio:9000":  "",
		"s3://b?endpoint=e&region=a":          "endpoint",
		"s3://b?endpoint=https://k:pw@minio":  "endpoint",
		"s3://key:pw@bucket?region=eu-west-1": "no secrets",
		"s3://?region=eu-west-1":              "s3://bucket",
		"s3://bucket/../other":                "s3://bucket",
		"s3://bucket?regoin=eu":               `"regoin"`,
		"s3://bucket?use_path_style=perhaps":  "use_path_style",
		"s3://bucket?region=%zz":              "name=value",
		"gs://bucket":                         "the form is",
		"file://host/dir":                     "the form is",
		"file:///dir?create_dir=pw":           "the form is",
		"folder":                              "the form is",
		"pw%":                                 "the form is",
	} {
		err := blob.Config{URL: address}.Validate()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "pw")) {
			t.Errorf("%q: got %v, want %q and no secret", address, err, want)
		}
	}
	if err := (blob.Config{AccessKey: "id"}).Validate(); err == nil {
		t.Error("half of a key was accepted")
	}
}
