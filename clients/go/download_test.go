package threed_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	threed "github.com/threed-dev/threed/clients/go"
	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// SHA-256 of "abc", FIPS 180-2, appendix B.1.
const digestOfABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestADownloadIsComparedWithWhatItsURLPromises(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"the file":        {200, "abc", ""},
		"other bytes":     {200, "abd", "download it again"},
		"too few bytes":   {200, "ab", "download it again"},
		"an expired link": {403, "The URL expired.", "403 Forbidden: The URL expired."},
	} {
		t.Run(name, func(t *testing.T) {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer store.Close()
			client := &threed.Client{HTTP: store.Client()}
			from := &threedv1.DownloadUrl{Url: store.URL, SizeBytes: 3, Sha256: digestOfABC}

			err := client.Download(context.Background(), from, &bytes.Buffer{})

			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v", err)
			}
		})
	}
}
