using System.Text.Json.Nodes;

namespace Atelier.Abstractions;

/// <summary>A text of which some tokens, or all of them, were filled in by a masked language model.</summary>
/// <param name="Text">The whole text.</param>
/// <param name="Masks">The tokens that were filled in, in the order of the text.</param>
public sealed record InfilledSample(string Text, IReadOnlyList<FilledMask> Masks) : Sample
{
    /// <inheritdoc/>
    public override string Shown => Text;

    /// <inheritdoc/>
    protected override void Write(JsonObject json)
    {
        json["text"] = Text;
        json["masks"] = new JsonArray([.. Masks.Select(mask => (JsonNode)new JsonObject
        {
            ["text"] = mask.Text,
            ["probability"] = mask.Probability,
            ["order"] = mask.Order,
            ["alternatives"] = new JsonArray([.. mask.Alternatives.Select(one => (JsonNode)new JsonObject
            {
                ["text"] = one.Text,
                ["probability"] = one.Probability,
            })]),
        })]);
    }
}

/// <summary>A token that was filled in.</summary>
/// <param name="Text">The text of the token.</param>
/// <param name="Probability">The probability of the token when it was chosen, 0 to 1.</param>
/// <param name="Order">The number of the step in which it was chosen, from 0.</param>
/// <param name="Alternatives">The most probable tokens at that time, the most probable first.</param>
public sealed record FilledMask(string Text, double Probability, int Order,
    IReadOnlyList<TokenAlternative> Alternatives);

/// <summary>A token that may stand in a place.</summary>
/// <param name="Text">The text of the token.</param>
/// <param name="Probability">The probability of the token, 0 to 1.</param>
public sealed record TokenAlternative(string Text, double Probability);
