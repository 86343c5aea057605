// Goes on from a prompt with a model of any kind that the runtime reads, greedily. No libtorch, no native library.
// build/check-aot publishes it ahead of time; or: dotnet run -c Release --project samples/Storyteller -- MODEL "Once
// upon a time"
using Atelier;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;

if (args.Length == 0)
{
    Console.Error.WriteLine(
        "Storyteller MODEL [PROMPT] [TOKENS] [TOKENIZER]: a bundle, a Hugging Face folder, a GGUF file, or "
            + "llama2.c's .bin");
    return 2;
}
try
{
    using TextGenerator generator = TextModelFile.Open(args[0], args.ElementAtOrDefault(3));
    var request = new GenerationRequest
    {
        Prompt = args.ElementAtOrDefault(1),
        Decoding = new() { Temperature = 0,
            MaxTokens = int.Parse(args.ElementAtOrDefault(2)
            ?? "200", System.Globalization.CultureInfo.InvariantCulture) },
    };
    Console.Write(request.Prompt);
    await foreach (TextPiece piece in generator.StreamAsync(request))
        Console.Write(piece.Text);
    Console.WriteLine();
    return 0;
}
catch (AtelierException e)
{
    Console.Error.WriteLine($"error: {e.ToLine()}");
    return 2;
}
