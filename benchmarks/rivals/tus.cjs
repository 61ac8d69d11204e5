// @tus/server with its FileStore: the reference of resumable uploads on Node. `node tus.cjs PORT`, files in $FOLDER.
const { Server } = require("@tus/server");
const { FileStore } = require("@tus/file-store");

const datastore = new FileStore({ directory: process.env.FOLDER });
new Server({ path: "/files", datastore }).listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
