package threed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"

	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// Download writes the file behind a signed URL to w, as GetAssetDownloadUrl and GetRenderJobDownloadUrl give it.
//
// It fails when the URL has expired or the answer breaks off, and when size or SHA-256 are not those that came with the
// URL; what was written to w then is not the file. The URL needs no token.
func (c *Client) Download(ctx context.Context, from *threedv1.DownloadUrl, w io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.GetUrl(), nil)
	if err != nil {
		return fmt.Errorf("threed: %w", err)
	}
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return fmt.Errorf("threed: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return fmt.Errorf("threed: the download was answered with %s: %s", answer.Status, said)
	}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, hash), answer.Body)
	if err != nil {
		return fmt.Errorf("threed: the download broke off after %d bytes: %w", size, err)
	}
	if digest := hex.EncodeToString(hash.Sum(nil)); size != from.GetSizeBytes() || digest != from.GetSha256() {
		return fmt.Errorf("threed: got %d bytes of SHA-256 %s; expected %d of %s: download it again",
			size, digest, from.GetSizeBytes(), from.GetSha256())
	}
	return nil
}
