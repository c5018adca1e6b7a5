package main

import (
	"context"
	"errors"

	"bedside/api/media"
	"bedside/store/scenario"
)

// putPictures puts the pictures of the scenarios that come with the program among the media.
func putPictures(ctx context.Context, s stores) error {
	shipped, err := scenario.Shipped()
	if err != nil {
		return err
	}
	all := &media.BuiltIn{Store: s.db, Files: s.blob}
	var errs []error
	for _, c := range shipped {
		if file, kind, ok := scenario.Picture(c.Slug); ok && kind != "image/svg+xml" {
			alt := ""
			if c.Picture != nil {
				alt = c.Picture.Alt
			}
			errs = append(errs, all.Put(ctx, c.Slug, alt, file))
		}
	}
	return errors.Join(errs...)
}
