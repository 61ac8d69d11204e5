package threed

import "testing"

func TestAnAddressIsReadAsPeopleWriteIt(t *testing.T) {
	for raw, want := range map[string]address{
		"http://127.0.0.1:8080":       {"127.0.0.1", "8080", false},
		"http://threed.example":       {"threed.example", "80", false},
		"https://threed.example/":     {"threed.example", "443", true},
		"https://threed.example:8443": {"threed.example", "8443", true},
		"localhost:8080":              {"localhost", "8080", false},
		"http://[::1]:8080":           {"::1", "8080", false},
	} {
		if got, err := parseAddress(raw); err != nil || got != want {
			t.Errorf("%q: got %v, %v", raw, got, err)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, raw := range []string{"", "localhost", "ftp://a:1", "http://a:1/v1", "http://a:b", "http://me@a:1", ":8080"} {
		if got, err := parseAddress(raw); err == nil {
			t.Errorf("%q: got %v", raw, got)
		}
	}
}
