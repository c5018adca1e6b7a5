package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"gocloud.dev/blob"
)

// File is an open file. A range of it is read as it arrives and never held in memory, and nothing
// is requested before the first Read, so that seeking costs nothing. Only one goroutine may use
// it.
type File struct {
	ctx        context.Context // bounds the reads
	bucket     *blob.Bucket
	key        string
	attributes *blob.Attributes
	offset     int64
	body       *blob.Reader // reads from offset on; nil before the first Read and after a Seek
}

// Size returns the length in bytes.
func (f *File) Size() int64 { return f.attributes.Size }

// ModTime returns the time of the last Put.
func (f *File) ModTime() time.Time { return f.attributes.ModTime }

// ContentType returns the content type that Put was given.
func (f *File) ContentType() string { return f.attributes.ContentType }

// Read reads from the current offset.
func (f *File) Read(p []byte) (int, error) {
	if f.offset >= f.Size() {
		return 0, io.EOF
	}
	if f.body == nil {
		r, err := f.bucket.NewRangeReader(f.ctx, f.key, f.offset, f.Size()-f.offset, nil)
		if err != nil {
			return 0, translate(f.key, err)
		}
		f.body = r
	}
	n, err := f.body.Read(p)
	f.offset += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = translate(f.key, err)
	}
	return n, err
}

// Seek sets the offset of the next Read.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.Size()
	}
	if offset < 0 {
		return f.offset, errors.New("seek before the beginning of a file")
	}
	if offset == f.offset {
		return offset, nil
	}
	f.offset = offset
	return offset, f.Close()
}

// Close ends the request for what was not read.
func (f *File) Close() error {
	if f.body == nil {
		return nil
	}
	r := f.body
	f.body = nil
	return r.Close()
}
