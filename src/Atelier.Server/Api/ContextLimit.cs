using Atelier.Abstractions;

namespace Atelier.Server.Api;

/// <summary>Keeps prompts and answers within what a model can condition on.</summary>
internal static class ContextLimit
{
    /// <summary>Returns the largest number of tokens of an answer.</summary>
    /// <param name="context">The number of tokens that the model can condition on.</param>
    /// <param name="prompt">The number of tokens of the prompt.</param>
    /// <param name="asked">The number that the request asks for; null for the default, or what there is room
    /// for.</param>
    /// <param name="defaults">The model's defaults.</param>
    /// <param name="param">The field of the prompt.</param>
    /// <exception cref="ApiException">They do not fit.</exception>
    public static int MostTokens(int context, int prompt, int? asked, DecodingOptions defaults, string param)
    {
        if (asked is < 1)
            throw ApiException.Invalid("max_tokens",
                FormattableString.Invariant($"max_tokens is {asked}; allowed: 1 or more"));
        long whole = (long)prompt + (asked ?? 1);
        if (whole > context)
        {
            string answer = asked is null ? "" : FormattableString.Invariant($" and {asked} of the answer");
            throw ApiException.Invalid(param, FormattableString.Invariant(
                $"the model's context is {context} tokens, but the request has {prompt} tokens{answer}; shorten it"),
                "context_length_exceeded");
        }
        return asked ?? Math.Min(defaults.MaxTokens, context - prompt);
    }
}
