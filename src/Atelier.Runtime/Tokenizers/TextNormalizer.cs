using System.Buffers;
using System.Text;

namespace Atelier.Tokenizers;

/// <summary>Normalises text before tokenization, in steps named as in tokenizer.json.</summary>
internal sealed class TextNormalizer
{
    private static readonly (string Name, NormalizationForm Form)[] Forms =
    [
        ("NFC", NormalizationForm.FormC), ("NFD", NormalizationForm.FormD), ("NFKC", NormalizationForm.FormKC),
        ("NFKD", NormalizationForm.FormKD),
    ];

    /// <summary>The names of the supported steps.</summary>
    public static readonly string[] Known = ["Lowercase", .. Forms.Select(f => f.Name)];

    /// <summary>Creates a normalizer.</summary>
    /// <exception cref="AtelierException">The process has no Unicode tables for a step.</exception>
    public TextNormalizer(IReadOnlyList<string> steps)
    {
        Steps = steps;
        // Without ICU, .NET does not normalise and returns every text unchanged.
        if (steps.Any(step => step != "Lowercase") && "e\u0301".Normalize(NormalizationForm.FormC) != "\u00e9")
            throw new AtelierException(
                $"the tokenizer normalises text to the form {steps.First(step => step != "Lowercase")}, for which "
                    + $".NET needs ICU", hint: "run without InvariantGlobalization");
    }

    /// <summary>The names of the steps, in order.</summary>
    public IReadOnlyList<string> Steps { get; }

    /// <summary>Returns the text after all steps. Lone surrogates are unchanged.</summary>
    public string Apply(ReadOnlySpan<char> text)
    {
        string result = text.ToString();
        foreach (string step in Steps)
            result = step == "Lowercase" ? Lower(result) : Normalize(result, Forms.First(f => f.Name == step).Form);
        return result;
    }

    // The Unicode standard's mapping of single characters, regardless of context. One capital letter, U+0130, becomes
    // two characters.
    private static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) != OperationStatus.Done)
                lower.Append(rest[..used]);
            else if (rune.Value == 0x130)
                lower.Append("i\u0307");
            else
                lower.Append(Rune.ToLowerInvariant(rune).ToString());
            rest = rest[used..];
        }
        return lower.ToString();
    }

    private static string Normalize(string text, NormalizationForm form)
    {
        var result = new StringBuilder(text.Length);
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            bool isWhole = Rune.DecodeFromUtf16(text.AsSpan(at), out _, out int used) == OperationStatus.Done;
            if (!isWhole)
            {
                result.Append(text[from..at].Normalize(form)).Append(text.AsSpan(at, used));
                from = at + used;
            }
            at += used;
        }
        return from == 0 ? text.Normalize(form) : result.Append(text[from..].Normalize(form)).ToString();
    }
}
