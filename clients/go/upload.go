package threed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/genproto/googleapis/api/httpbody"

	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

const messageBytes = 1 << 20

// UploadFile sends a file in one stream of 1 MiB messages and returns the asset that it became, as UPLOADED.
//
// Size and SHA-256 are declared first, so that the server refuses bytes that were changed on the way or while they were
// read. A break loses the whole upload; for bad lines call Uploads, whose uploads can be resumed. The file's name names
// the asset, the content decides its format.
func (c *Client) UploadFile(ctx context.Context, path string) (*threedv1.Asset, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("threed: %w", err)
	}
	defer file.Close()
	size, digest, err := measure(file)
	if err != nil {
		return nil, fmt.Errorf("threed: %w", err)
	}
	// Ends the stream where this function ends early.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Assets.UploadAsset(ctx)
	if err != nil {
		return nil, err
	}
	first := &threedv1.UploadAssetRequest{Filename: filepath.Base(path), SizeBytes: size, Sha256: digest}
	if err := send(stream, first, file); err != nil {
		return nil, err
	}
	return stream.CloseAndRecv()
}

// measure reads the whole file, returns its size and its SHA-256 in hex, and goes back to its start.
func measure(file io.ReadSeeker) (int64, string, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return 0, "", err
	}
	_, err = file.Seek(0, io.SeekStart)
	return size, hex.EncodeToString(hash.Sum(nil)), err
}

// send streams what there is to read, in messages of which the first is given. A server that has refused ends the
// sending without an error here: CloseAndRecv has it.
func send(stream threedv1.AssetService_UploadAssetClient, message *threedv1.UploadAssetRequest, from io.Reader) error {
	for {
		// gRPC may still hold the message before: each one has bytes of its own.
		chunk := make([]byte, messageBytes)
		count, err := io.ReadFull(from, chunk)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return fmt.Errorf("threed: %w", err)
		}
		message.Media = &httpbody.HttpBody{Data: chunk[:count]}
		err = stream.Send(message)
		if errors.Is(err, io.EOF) || err == nil && ended {
			return nil
		}
		if err != nil {
			return err
		}
		message = &threedv1.UploadAssetRequest{}
	}
}
