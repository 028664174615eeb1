// Times a network in ONNX Runtime on random images: milliseconds an image, to load, and memory.
// usage: NODE_PATH=FOLDER/node_modules node time_onnxruntime.js NETWORK.onnx BATCH SIDE SECONDS THREADS
const onnxruntime = require('onnxruntime-node');

async function main(path, batch, side, seconds, threads) {
  const milliseconds = () => Number(process.hrtime.bigint()) / 1e6;
  const started = milliseconds();
  const session = await onnxruntime.InferenceSession.create(path, {
    intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all',
    logSeverityLevel: 3});
  const load = milliseconds() - started;
  const images = Float32Array.from({length: batch * 3 * side * side}, (_, i) => Math.sin(i * 0.7));
  const feeds = {[session.inputNames[0]]:
    new onnxruntime.Tensor('float32', images, [batch, 3, side, side])};
  const times = [];

  await session.run(feeds);
  for (const end = milliseconds() + 1000 * seconds; times.length < 5 || milliseconds() < end;) {
    const begin = milliseconds();

    await session.run(feeds);
    times.push((milliseconds() - begin) / batch);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({load_ms: load, median_ms: times[times.length >> 1],
    peak_rss_mb: process.resourceUsage().maxRSS / 1024}));
}

const [path, ...numbers] = process.argv.slice(2);
main(path, ...numbers.map(Number));
