package endpoint

import "testing"

func TestCheck(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://api.example/v1": true, "http://gpu:8000/v1": true, "gpu:8000": false, "": false,
		"ftp://api.example": false, "https://user:key@api.example/v1": false, "https:///v1": false,
		"https://api.example/v1?key=a": false, "https://api.example/#a": false,
	} {
		if err := Check(address, "http", "https"); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}
