namespace Atelier.Recipes;

/// <summary>Keys of a recipe that a choice of the same recipe leaves without a use.</summary>
/// <param name="By">What ignores them, for messages: "a U-Net".</param>
/// <param name="Keys">Paths of keys or of whole sections: "model.hiddenSize".</param>
public sealed record IgnoredKeys(string By, params IReadOnlyList<string> Keys);
