package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// answerTimeout is how long an S3 server may take to begin its answer to a request.
const answerTimeout = 20 * time.Second

// s3Address is what an address such as s3://bucket/folder?region=eu-west-1 says.
type s3Address struct {
	bucket, folder string
	region         string // empty: as the AWS environment says
	endpoint       string // empty: Amazon's
	pathStyle      bool   // the bucket is in the path of requests, not in the host's name
}

// parseS3 reads an address. Its errors do not repeat it.
func parseS3(u *url.URL) (a s3Address, err error) {
	if u.User != nil {
		return a, errors.New("store.blob_url: no secrets in the address: set store.s3_access_key " +
			"and store.s3_secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	a.bucket, a.folder = u.Host, strings.Trim(u.Path, "/")
	if a.bucket == "" || a.folder != "" && checkKey(a.folder) != nil {
		return a, errors.New("store.blob_url: the form is s3://bucket or s3://bucket/folder")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return a, errors.New("store.blob_url: what follows the ? is not of the form name=value")
	}
	for name, values := range query {
		value := values[0]
		switch name {
		case "region":
			a.region = value
		case "endpoint":
			e, err := url.Parse(value)
			if err != nil || e.Scheme != "https" && e.Scheme != "http" || e.Host == "" ||
				e.User != nil || e.RawQuery != "" {
				return a, errors.New("store.blob_url: endpoint is not of the form https://host")
			}
			a.endpoint = value
		case "use_path_style":
			if a.pathStyle, err = strconv.ParseBool(value); err != nil {
				return a, errors.New("store.blob_url: use_path_style is neither true nor false")
			}
		default:
			return a, fmt.Errorf("store.blob_url: unknown parameter %q: there are region, "+
				"endpoint and use_path_style", name)
		}
	}
	if a.endpoint != "" && !query.Has("use_path_style") {
		a.pathStyle = true // few other servers have a DNS name for each bucket
	}
	return a, nil
}

// openS3 opens the bucket of a valid address.
func (c Config) openS3(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	address, err := parseS3(u)
	if err != nil {
		return nil, err
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = answerTimeout
	})
	options := []func(*awsconfig.LoadOptions) error{awsconfig.WithHTTPClient(client)}
	if address.region != "" {
		options = append(options, awsconfig.WithRegion(address.region))
	}
	if c.AccessKey != "" {
		options = append(options, awsconfig.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	}
	environment, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	if environment.Region == "" {
		return nil, errors.New("store.blob_url: a region is needed, such as ?region=eu-west-1, or AWS_REGION")
	}
	// Servers other than Amazon's may not know the newest checksums.
	checksums := aws.RequestChecksumCalculationWhenSupported
	if address.endpoint != "" {
		checksums = aws.RequestChecksumCalculationWhenRequired
	}
	api := s3.NewFromConfig(environment, func(o *s3.Options) {
		o.UsePathStyle, o.RequestChecksumCalculation = address.pathStyle, checksums
		if address.endpoint != "" {
			o.BaseEndpoint = aws.String(address.endpoint)
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	bucket, err := s3blob.OpenBucket(ctx, api, address.bucket,
		&s3blob.Options{RequestChecksumCalculation: checksums})
	if err != nil || address.folder == "" {
		return bucket, err
	}
	return blob.PrefixedBucket(bucket, address.folder+"/"), nil
}
