// llama.cpp through LLamaSharp:
//   quantize SOURCE TARGET TYPE      writes a GGUF file in another type, for example Q4_K_M
//   logits FILE OUT TOKEN...         writes the logits after each token, in single precision
//   exact-logits FILE OUT TOKEN...   the same, with keys and values in single precision too
//   decode FILE THREADS TOKENS       prints tokens a second, decoded one at a time
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Atelier.Benchmarks.Peers;
using LLama.Native;

NativeLibraryConfig.All.WithLogCallback((_, _) => { });
NativeApi.llama_empty_call(); // finds and loads the library
switch (args[0])
{
    case "quantize":
        LLamaModelQuantizeParams parameters = LLamaModelQuantizeParams.Default();
        parameters.ftype = Enum.GetValues<LLamaFtype>()
            .First(type => $"{type}".EndsWith($"_{args[3]}", StringComparison.Ordinal));
        return (int)NativeApi.llama_model_quantize(args[1], args[2], ref parameters);
    case "logits" or "exact-logits":
        using (var model = new Model(args[1], Environment.ProcessorCount, isExact: args[0] == "exact-logits"))
        {
            using FileStream file = File.Create(args[2]);
            foreach (string token in args[3..])
                file.Write(MemoryMarshal.AsBytes(model.Append(int.Parse(token, CultureInfo.InvariantCulture))));
        }
        return 0;
    default:
        int count = int.Parse(args[3], CultureInfo.InvariantCulture);
        using (var model = new Model(args[1], int.Parse(args[2], CultureInfo.InvariantCulture)))
        {
            const int vocabulary = 32_000, warmUp = 8;
            for (int i = 0; i < warmUp; i++)
                model.Append(i * 31 % vocabulary);
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < count; i++)
                model.Append(i * 31 % vocabulary);
            Console.WriteLine((count / watch.Elapsed.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        }
        return 0;
}
