package httpx

// Page cuts a list to one page. The caller has asked the store for one item more than limit, so a
// longer list means that there is another page. Page returns the items of this page, and the id of
// the last one as the cursor of the next page, or "" on the last page.
func Page[T any](list []T, limit int, id func(T) string) (page []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	page = list[:limit]
	return page, id(page[limit-1])
}
