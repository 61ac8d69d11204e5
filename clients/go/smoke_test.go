package threed_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	threed "github.com/threed-dev/threed/clients/go"
	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

// dialed is a client of the server at THREED_URL, and a context that ends with the test.
func dialed(t *testing.T) (context.Context, *threed.Client) {
	t.Helper()
	url, token := os.Getenv("THREED_URL"), os.Getenv("THREED_TOKEN")
	if url == "" || token == "" {
		t.Skip("THREED_URL and THREED_TOKEN say which server to test against; start one with `threed up`.")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	client, err := threed.Dial(ctx, url, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return ctx, client
}

func uploaded(ctx context.Context, t *testing.T, client *threed.Client, name string, data []byte) *threedv1.Asset {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	asset, err := client.UploadFile(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	return asset
}

func watchedAsset(ctx context.Context, t *testing.T, client *threed.Client, id string) *threedv1.Asset {
	t.Helper()
	changes, err := client.Assets.WatchAsset(ctx, &threedv1.WatchAssetRequest{AssetId: id})
	if err != nil {
		t.Fatal(err)
	}
	for {
		change, err := changes.Recv()
		if err != nil {
			t.Fatal(err)
		}
		switch asset := change.GetAsset(); asset.GetStatus() {
		case threedv1.Asset_VALIDATED, threedv1.Asset_FAILED:
			return asset
		}
	}
}

func watchedJob(ctx context.Context, t *testing.T, client *threed.Client, id string) *threedv1.RenderJob {
	t.Helper()
	job, err := client.FollowRender(ctx, &threedv1.WatchRenderJobRequest{JobId: id},
		func(*threedv1.WatchRenderJobResponse) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestAModelGoesInAndAPictureOfItComesOut(t *testing.T) {
	// Given a model that was uploaded and checked
	ctx, client := dialed(t)
	model := triangleGLB()
	asset := uploaded(ctx, t, client, "triangle.glb", model)
	if digest := sha256.Sum256(model); asset.GetSha256() != hex.EncodeToString(digest[:]) {
		t.Fatalf("the asset has SHA-256 %s, the file %x", asset.GetSha256(), digest)
	}
	asset = watchedAsset(ctx, t, client, asset.GetAssetId())
	if asset.GetStatus() != threedv1.Asset_VALIDATED || asset.GetModel().GetTriangleCount() != 1 {
		t.Fatalf("got %v with %d triangles: %v", asset.GetStatus(), asset.GetModel().GetTriangleCount(), asset.GetError())
	}

	filter := "asset_id=" + asset.GetAssetId()
	events, err := client.Events.ListEvents(ctx, &threedv1.ListEventsRequest{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	if found := events.GetEvents(); len(found) != 1 || found[0].GetType() != "asset_ready" {
		t.Fatalf("got the events %v", found)
	}

	// When a scene with it is rendered
	scene, err := client.Scenes.CreateScene(ctx, &threedv1.CreateSceneRequest{Scene: &threedv1.Scene{
		DisplayName: "One triangle",
		Nodes: []*threedv1.SceneNode{
			{Id: "triangle", Content: &threedv1.SceneNode_AssetId{AssetId: asset.GetAssetId()}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	job, err := client.Renders.CreateRenderJob(ctx, &threedv1.CreateRenderJobRequest{RenderJob: &threedv1.RenderJob{
		SceneId:    scene.GetSceneId(),
		Resolution: &threedv1.Resolution{Width: 96, Height: 64},
	}})
	if err != nil {
		t.Fatal(err)
	}
	job = watchedJob(ctx, t, client, job.GetJobId())
	if job.GetStatus() != threedv1.RenderJob_COMPLETED {
		t.Fatalf("got %v: %v", job.GetStatus(), job.GetError())
	}

	// Then the signed URL has a PNG of that size, byte for byte what the job says
	from, err := client.Renders.GetRenderJobDownloadUrl(ctx, &threedv1.GetRenderJobDownloadUrlRequest{JobId: job.GetJobId()})
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := client.Download(ctx, from, &picture); err != nil {
		t.Fatal(err)
	}
	if digest := sha256.Sum256(picture.Bytes()); job.GetOutput().GetSha256() != hex.EncodeToString(digest[:]) {
		t.Fatalf("the job says SHA-256 %s, the picture has %x", job.GetOutput().GetSha256(), digest)
	}
	header, err := png.DecodeConfig(&picture)
	if err != nil || header.Width != 96 || header.Height != 64 {
		t.Fatalf("got a picture of %d x %d pixels: %v", header.Width, header.Height, err)
	}
}

func TestAFileOfExactlyTwoMessagesArrivesWhole(t *testing.T) {
	ctx, client := dialed(t)
	comment := bytes.Repeat([]byte("#"), 2<<20)

	asset := uploaded(ctx, t, client, "comment.obj", comment)

	if asset.GetSizeBytes() != 2<<20 {
		t.Fatalf("got %d bytes", asset.GetSizeBytes())
	}
}

func TestARefusalHasTheReasonOfTheAPI(t *testing.T) {
	ctx, client := dialed(t)

	_, err := client.Assets.GetAsset(ctx, &threedv1.GetAssetRequest{AssetId: "ast_00000000000000000000000000"})

	if threed.Reason(err) != "NOT_FOUND" {
		t.Fatalf("got %q for %v", threed.Reason(err), err)
	}
}

func TestAFileThatIsNoModelIsRefused(t *testing.T) {
	ctx, client := dialed(t)
	path := filepath.Join(t.TempDir(), "chair.glb")
	if err := os.WriteFile(path, append([]byte("%PDF-1.7\n"), make([]byte, 9<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}

	_, err := client.UploadFile(ctx, path)

	if threed.Reason(err) != "FILE_FORMAT_UNKNOWN" {
		t.Fatalf("got %q for %v", threed.Reason(err), err)
	}
}

func TestTheErrorOfAnAssetHasAReasonToo(t *testing.T) {
	ctx, client := dialed(t)
	broken := triangleGLB()
	copy(broken[20:], "no JSON")

	asset := watchedAsset(ctx, t, client, uploaded(ctx, t, client, "broken.glb", broken).GetAssetId())

	if err := status.ErrorProto(asset.GetError()); threed.Reason(err) == "" {
		t.Fatalf("got %v without a reason: %v", asset.GetStatus(), err)
	}
}

func TestAWrongTokenIsToldByDial(t *testing.T) {
	ctx, _ := dialed(t)

	_, err := threed.Dial(ctx, os.Getenv("THREED_URL"), "wrong")

	if threed.Reason(err) != "TOKEN_INVALID" {
		t.Fatalf("got %q for %v", threed.Reason(err), err)
	}
}
